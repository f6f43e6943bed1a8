import { once } from "node:events";
import { openOnlineStore } from "@larder/store-core";
import { logicalClock, until } from "@larder/testkit";
import { expect, test } from "vitest";
import type {
  BatchConsumer,
  EventSource,
  Generation,
  PartitionOffset,
  StreamRecord,
} from "../../../src/stream/event-source.ts";
import { createRecordDecoder, createSync } from "../../../src/stream/index.ts";
import { NOW_MS, recordOf, streamDefinitions } from "../world.ts";

const TOPIC = "moved";
const WAIT = 20_000;

/** A source whose group is the test: it says what is assigned, read and taken, in whatever order a broker and a busy process may. */
class ToldSource implements EventSource {
  readonly capabilities = { cooperative: false, staticMembership: false };
  readonly commits: PartitionOffset[] = [];
  /** The answer to the next commits: the broker has taken them, whenever it says so. */
  answer: Promise<void> = Promise.resolve();
  #consumer: BatchConsumer | undefined;

  get consumer(): BatchConsumer {
    if (this.#consumer === undefined) throw new Error("Nobody consumes.");
    return this.#consumer;
  }

  async consume(consumer: BatchConsumer, signal: AbortSignal): Promise<void> {
    this.#consumer = consumer;
    if (!signal.aborted) await once(signal, "abort");
  }

  async commit(_: Generation, offsets: readonly PartitionOffset[]): Promise<void> {
    this.commits.push(...offsets);
    await this.answer;
  }

  pause(): void {}
  resume(): void {}
  seek(): void {}
  async close(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Readable records of the partition, from one offset up to another. */
function batch(generation: Generation, from: number, to: number) {
  const records: StreamRecord[] = [];
  for (let at = from; at < to; at++) {
    const times = { eventTime: NOW_MS - 60_000, createdTime: NOW_MS - 60_000 };
    const { key, value } = recordOf({ tenant: "default", customer: at, ...times, score: at, note: "" });
    const headers = new Map([["tenant", Buffer.from("default")]]);
    const bytes = { key: Buffer.from(key ?? ""), value: Buffer.from(value ?? "") };
    records.push({ offset: BigInt(at), timestamp: times.createdTime, ...bytes, headers });
  }
  return { topic: TOPIC, partition: 0, generation, records, highWatermark: BigInt(to) };
}

test("a partition that comes back before its last commit is answered is read as a new one: no record of it is passed over", async () => {
  const definitions = streamDefinitions({ brokers: ["nowhere:9092"], topic: TOPIC });
  const clock = logicalClock(NOW_MS * 1_000);
  await using store = await openOnlineStore(definitions, { clock });
  const source = new ToldSource();
  const sink = { send: () => Promise.reject(new Error("Nothing is to be refused.")) };
  const decoder = createRecordDecoder(definitions);
  const settings = { commitMs: 600_000, commitRecords: 10 };
  const sync = createSync({ definitions, store, source, sink, decoder, clock, settings });
  const stop = new AbortController();
  const running = sync.run(stop.signal);
  const committed = (offset: bigint) =>
    until(WAIT, `${offset} is committed`, async () => source.commits.at(-1)?.offset === offset);
  const partitions = [{ topic: TOPIC, partition: 0 }];
  const [first, second] = [1, 2].map((id) => ({ id, memberId: "member" })) as [Generation, Generation];
  const { promise, resolve } = Promise.withResolvers<void>();

  source.consumer.onAssigned(first, partitions);
  source.answer = promise;
  await source.consumer.onBatch(batch(first, 0, 10));
  await committed(10n);
  const revoked = source.consumer.onRevoked(partitions, performance.now() + 200);
  source.consumer.onAssigned(second, partitions);
  await source.consumer.onBatch(batch(second, 10, 20));
  await revoked;
  expect(sync.status()).toMatchObject({ joined: true, partitions: [{ position: 20n }] });
  resolve();
  await source.consumer.onBatch(batch(second, 20, 30));
  await committed(30n);

  let rows = 0;
  for await (const _ of store.scan({ tenant: "default", view: "scores" }, { tenant: "default" })) rows++;
  expect(rows).toBe(30);
  stop.abort();
  await running;
});
