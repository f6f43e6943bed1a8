import type {
  BatchConsumer,
  EventSource,
  Generation,
  PartitionOffset,
  RecordBatch,
  TopicPartition,
} from "../event-source.ts";
import { partitionKey } from "../partition-key.ts";

/** What is to be read of a partition: from `from` on, and before `until`. */
export interface BoundedPartition extends TopicPartition {
  readonly from: bigint;
  readonly until: bigint;
}

interface Bound extends BoundedPartition {
  /** The next offset to arrive. */
  position: bigint;
  /** Nothing before `until` is left to arrive. */
  passed: boolean;
  assigned: boolean;
}

/** A source that hands over nothing from `until` on, and knows when all that is before it was handed over. Wraps another, and closes it. */
export class BoundedSource implements EventSource {
  readonly #inner: EventSource;
  readonly #bounds: ReadonlyMap<string, Bound>;

  constructor(inner: EventSource, partitions: readonly BoundedPartition[]) {
    this.#inner = inner;
    this.#bounds = new Map(
      partitions.map((each) => {
        return [
          partitionKey(each),
          { ...each, position: each.from, passed: each.from >= each.until, assigned: false },
        ] as const;
      }),
    );
  }

  get capabilities(): EventSource["capabilities"] {
    return this.#inner.capabilities;
  }

  /** Partitions of which something is left to arrive; those that are ours now say so. */
  get open(): readonly (TopicPartition & { readonly assigned: boolean; readonly position: bigint })[] {
    return [...this.#bounds.values()].filter(({ passed }) => !passed);
  }

  /** Offsets of the windows that have been handed over. */
  get done(): number {
    return sum(this.#bounds, ({ passed, position, from, until }) => (passed ? until : position) - from);
  }

  /** Offsets of the windows. */
  get total(): number {
    return sum(this.#bounds, ({ from, until }) => until - from);
  }

  /** What is committed up to here need not arrive any more. */
  committed(offsets: readonly PartitionOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      const bound = this.#bounds.get(partitionKey({ topic, partition }));
      if (bound !== undefined && offset >= bound.until) this.#pass(bound);
    }
  }

  /** Nothing more will arrive, though offsets are left: they hold no records. */
  giveUp(partition: TopicPartition): void {
    const bound = this.#bounds.get(partitionKey(partition));
    if (bound !== undefined) this.#pass(bound);
  }

  consume(consumer: BatchConsumer, signal: AbortSignal): Promise<void> {
    return this.#inner.consume(
      {
        onAssigned: (generation, partitions) => {
          for (const bound of this.#of(partitions)) bound.assigned = true;
          consumer.onAssigned(generation, partitions);
          this.#inner.pause(this.#of(partitions).filter(({ passed }) => passed));
        },
        onRevoked: async (partitions, deadline) => {
          // Before, so that nobody takes rows that were dropped for rows that are written; and again, for what still came.
          this.#forget(partitions);
          await consumer.onRevoked(partitions, deadline);
          this.#forget(partitions);
        },
        onLost: (partitions) => {
          this.#forget(partitions);
          consumer.onLost(partitions);
        },
        onBatch: (batch) => this.#handOver(consumer, batch),
      },
      signal,
    );
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#inner.pause(partitions);
  }

  /** Whoever is through stays paused. */
  resume(partitions: readonly TopicPartition[]): void {
    this.#inner.resume(partitions.filter((each) => this.#bounds.get(partitionKey(each))?.passed !== true));
  }

  commit(generation: Generation, offsets: readonly PartitionOffset[]): Promise<void> {
    return this.#inner.commit(generation, offsets);
  }

  seek(position: PartitionOffset): void {
    this.#inner.seek(position);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #handOver(consumer: BatchConsumer, batch: RecordBatch): Promise<void> {
    const bound = this.#bounds.get(partitionKey(batch));
    // A partition that was added to the topic meanwhile has no window.
    if (bound === undefined || bound.passed) return this.#inner.pause([batch]);
    const { until } = bound;
    const records = batch.records.filter(({ offset }) => offset < until);
    const last = batch.records.at(-1)?.offset;
    // Taken first, passed then: whoever waits for both finds it in flight.
    const taken = records.length === 0 ? undefined : consumer.onBatch({ ...batch, records });
    if (last !== undefined) bound.position = last + 1n;
    if (bound.position >= until) this.#pass(bound);
    await taken;
  }

  #pass(bound: Bound): void {
    bound.passed = true;
    this.#inner.pause([bound]);
  }

  /** What comes back comes from the last commit on. */
  #forget(partitions: readonly TopicPartition[]): void {
    for (const bound of this.#of(partitions)) {
      bound.assigned = false;
      bound.position = bound.from;
      bound.passed = bound.from >= bound.until;
    }
  }

  #of(partitions: readonly TopicPartition[]): readonly Bound[] {
    return partitions.map((each) => this.#bounds.get(partitionKey(each))).filter((bound) => bound !== undefined);
  }
}

function sum(bounds: ReadonlyMap<string, Bound>, of: (bound: Bound) => bigint): number {
  return Number([...bounds.values()].reduce((total, bound) => total + of(bound), 0n));
}
