import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type OutgoingRecord, openRecordSink, type RecordSink, streamOf } from "@larder/materializer/stream";
import { loadDefinitions } from "@larder/schema";
import { type ChildHandle, type KafkaServer, startProcess, until } from "@larder/testkit";
import type { EventRate } from "../scenarios.ts";

/** The topic of the view `billing`, and where its records that can't be read go. */
export const EVENTS_TOPIC = "billing";

/** The group of `larder sync`. */
export const EVENTS_GROUP = "loadtest";

/** `larder sync` on a Kafka, and a producer of records of the view `billing`. */
export interface EventStream extends AsyncDisposable {
  /** Of `larder sync`. */
  readonly pid: number;
  /** Appends records of all tenants in turn at a fixed rate, and answers what became of them when the sync has them all, or no more time. */
  append(rate: EventRate, signal: AbortSignal): Promise<EventReport>;
}

/** What became of records. */
export interface EventReport {
  readonly appended: number;
  /** Records per second, as they were really appended. */
  readonly perSecond: number;
  /** The part that the sync has committed soon after the last was appended. */
  readonly committedShare: number;
  readonly deadLetters: number;
}

/** Where records go. */
export interface EventStreamSettings {
  readonly kafka: KafkaServer;
  /** feature_store.yaml, with a stream. */
  readonly file: string;
  readonly tenants: readonly string[];
  /** Customers 1 to this number. */
  readonly entities: number;
}

/** Makes the topic that is needed. */
export async function createEventsTopic(kafka: KafkaServer): Promise<void> {
  await kafka.createTopic(EVENTS_TOPIC, { partitions: PARTITIONS });
  await kafka.createTopic(DEAD_LETTERS, { partitions: 1 });
}

/** Starts `larder sync`, on the generator's core, and waits until it is ready. @throws STREAM_UNAVAILABLE, or with what the process said. */
export async function openEventStream({ kafka, file, tenants, entities }: EventStreamSettings): Promise<EventStream> {
  await using stack = new AsyncDisposableStack();
  const stream = streamOf(await loadDefinitions(file, { env: {} }));
  const sink = stack.use(await openRecordSink(stream));
  const main = join(import.meta.dirname, "..", "..", "..", "larder", "src", "cli", "main.ts");
  const args = ["--conditions=@larder/source", main, "sync", "--file", file, "--port", "0"];
  const child = stack.use(await startProcess(process.execPath, args));
  await untilReady(child);
  const opened = stack.move();
  return {
    pid: child.pid,
    append: async (rate, signal) => {
      const began = performance.now();
      const appended = await appendAll(sink, (turn) => recordOf(turn, tenants, entities), rate, signal);
      const seconds = (performance.now() - began) / 1000;
      const committedShare = await committed(kafka, appended, signal);
      const letters = await kafka.endOffsets(DEAD_LETTERS);
      return {
        ...{ appended, perSecond: appended / seconds, committedShare },
        deadLetters: letters.reduce((sum, end) => sum + Number(end), 0),
      };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const PARTITIONS = 4;
const DEAD_LETTERS = `${EVENTS_TOPIC}.dead-letter`;
const TICK_MS = 50;
const READY_MS = 60_000;
const ANSWER_MS = 5_000;
/** From one look at what is committed to the next. */
const LOOK_MS = 200;
/** From the last record until it has to be committed. */
const CAUGHT_UP_MS = 10_000;

async function untilReady(child: ChildHandle): Promise<void> {
  const line = await child.waitForLine(/^Larder syncs; see /, READY_MS);
  const url = line.slice(line.lastIndexOf("http"));
  await until(READY_MS, "larder sync is ready", async () => {
    const answer = await fetch(new URL("/readyz", url), { signal: AbortSignal.timeout(ANSWER_MS) });
    return answer.ok;
  });
}

/** Batches of what is due, each sent when the one before is in all replicas. What is late is sent later, not left out. */
async function appendAll(
  sink: RecordSink,
  record: (turn: number) => OutgoingRecord,
  { perSecond, seconds }: EventRate,
  signal: AbortSignal,
): Promise<number> {
  const began = performance.now();
  const total = Math.round(perSecond * seconds);
  for (let sent = 0; sent < total; ) {
    await wait(TICK_MS, undefined, { signal });
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond));
    const records = Array.from({ length: due - sent }, (_, at) => record(sent + at));
    if (records.length > 0) await sink.send(EVENTS_TOPIC, records);
    sent = due;
  }
  return total;
}

async function committed(kafka: KafkaServer, appended: number, signal: AbortSignal): Promise<number> {
  for (const end = performance.now() + CAUGHT_UP_MS; ; await wait(LOOK_MS, undefined, { signal })) {
    const offsets = await kafka.committed(EVENTS_GROUP, EVENTS_TOPIC);
    const count = offsets.reduce((sum, offset) => sum + Math.max(0, Number(offset)), 0);
    if (count >= appended || performance.now() > end) return count / appended;
  }
}

function recordOf(turn: number, tenants: readonly string[], entities: number): OutgoingRecord {
  const now = Date.now();
  const customer = 1 + ((turn * STRIDE) % entities);
  const value = {
    customer_id: customer,
    tenant: tenants[turn % tenants.length],
    monthly_charges: 20 + (turn % 100),
    total_charges: 1_000 + turn,
    last_invoice: 202_600_000_000 + turn,
    event_timestamp: new Date(now).toISOString(),
    created: new Date(now).toISOString(),
  };
  return { key: Buffer.from(String(customer)), value: Buffer.from(JSON.stringify(value)), headers: new Map() };
}

/** A prime, so that customers come back late. */
const STRIDE = 7_919;
