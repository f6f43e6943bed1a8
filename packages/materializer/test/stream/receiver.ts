import type { StreamConfig } from "@larder/schema";
import { until } from "@larder/testkit";
import type {
  BatchConsumer,
  EventSource,
  Generation,
  RecordBatch,
  StreamRecord,
  TopicPartition,
} from "../../src/stream/event-source.ts";
import { openEventSource } from "../../src/stream/open-stream.ts";

/** A record and where it was read. */
export interface Received extends TopicPartition {
  readonly record: StreamRecord;
  readonly generation: Generation;
}

/** Keeps what it is told; a test may put a function in the place of one of its answers. */
export class Receiver implements BatchConsumer {
  readonly received: Received[] = [];
  readonly revoked: (readonly TopicPartition[])[] = [];
  readonly lost: (readonly TopicPartition[])[] = [];
  assigned: readonly TopicPartition[] = [];
  generation: Generation | undefined;
  highWatermark = -1n;
  whenAssigned: (partitions: readonly TopicPartition[]) => void = () => {};
  whenRevoked: (partitions: readonly TopicPartition[], deadline: number) => Promise<void> = async () => {};
  whenBatch: (batch: RecordBatch) => Promise<void> = async () => {};

  onAssigned(generation: Generation, partitions: readonly TopicPartition[]): void {
    this.generation = generation;
    this.assigned = partitions;
    this.whenAssigned(partitions);
  }

  async onRevoked(partitions: readonly TopicPartition[], deadline: number): Promise<void> {
    this.revoked.push(partitions);
    await this.whenRevoked(partitions, deadline);
    this.assigned = [];
  }

  onLost(partitions: readonly TopicPartition[]): void {
    this.lost.push(partitions);
    this.assigned = [];
  }

  async onBatch(batch: RecordBatch): Promise<void> {
    const { topic, partition, generation } = batch;
    for (const record of batch.records) this.received.push({ topic, partition, generation, record });
    this.highWatermark = batch.highWatermark;
    await this.whenBatch(batch);
  }

  /** Values as text, of one partition. */
  values(partition = 0): (string | null)[] {
    return this.received.filter((each) => each.partition === partition).map(({ record }) => textOf(record.value));
  }

  async hasReceived(count: number): Promise<void> {
    await until(
      WAIT_MS,
      `${count} records are received (now ${this.received.length})`,
      async () => this.received.length >= count,
    );
  }

  async holds(count: number): Promise<void> {
    await until(
      WAIT_MS,
      `${count} partitions are held (now ${this.assigned.length})`,
      async () => this.assigned.length === count,
    );
  }
}

/** A source at work. */
export interface Consuming extends AsyncDisposable {
  readonly source: EventSource;
  /** Settles when the consumption has ended. */
  readonly done: Promise<void>;
  /** Aborts, waits for the end and closes. */
  stop(): Promise<void>;
}

export const WAIT_MS = 60_000;

export async function startConsuming(
  config: StreamConfig,
  topics: readonly string[],
  receiver: Receiver,
): Promise<Consuming> {
  const source = await openEventSource(config, topics);
  const abort = new AbortController();
  const done = source.consume(receiver, abort.signal);
  done.catch(() => {});
  const stop = async () => {
    abort.abort();
    await done.catch(() => {});
    await source.close();
  };
  return { source, done, stop, [Symbol.asyncDispose]: stop };
}

export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString();
}
