import { setTimeout as wait } from "node:timers/promises";
import { isLarderError, LarderError } from "@larder/schema";
import type { BatchConsumer, EventSource, PartitionOffset, RecordBatch, TopicPartition } from "../event-source.ts";
import type { StreamAdmin } from "../stream-admin.ts";

/** What {@link readToEnd} works with. */
export interface BoundedRead {
  readonly topic: string;
  /** Reads the topic as a member of the group. */
  readonly source: EventSource;
  readonly groupId: string;
  readonly admin: Pick<StreamAdmin, "beginOffsets" | "endOffsets" | "committedOffsets">;
  /** Where to begin. Default: what the group has committed, else the oldest record. */
  readonly starts?: readonly PartitionOffset[] | undefined;
  readonly signal: AbortSignal;
  /**
   * Records before the end, in the order of each partition, one call per partition at a time. `stillOurs` is false when the partition may be somebody
   * else's by now; asking it also says that there is progress.
   */
  readonly onBatch: (batch: RecordBatch, stillOurs: () => boolean) => Promise<"more" | "enough">;
}

/** A reader that hears nothing for so long gives up; milliseconds. */
const SILENCE_MS = 60_000;

/** How often it looks how far other members of its group are. */
const LOOK_MS = 500;

/**
 * Reads a topic up to where it ended at the beginning: what is appended meanwhile is left for the next time. Where members of one group do so at once,
 * each returns when all of them have read all.
 * @throws STREAM_UNAVAILABLE when nothing comes for a minute; what the source and `onBatch` throw; the signal's reason
 */
export async function readToEnd(read: BoundedRead): Promise<void> {
  const { topic, groupId, admin } = read;
  const [begins, ends] = [await admin.beginOffsets(topic), await admin.endOffsets(topic)];
  const starts = read.starts ?? (await admin.committedOffsets(groupId, topic));
  const reader = new BoundedReader(read, begins, ends, starts);
  await reader.run();
}

class BoundedReader implements BatchConsumer {
  readonly #read: BoundedRead;
  /** Next offset to hand over, per partition. */
  readonly #positions: Map<number, bigint>;
  /** Ends of the partitions that are not read to their end. */
  readonly #open: Map<number, bigint>;
  readonly #enough = new AbortController();
  /** In which of its assignments each partition of ours was given. */
  readonly #seats = new Map<number, number>();
  /** Batches that are being worked on. */
  readonly #inHand = new Set<Promise<void>>();
  #assignments = 0;
  #heard = performance.now();
  #others = 0n;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    read: BoundedRead,
    begins: readonly PartitionOffset[],
    ends: readonly PartitionOffset[],
    starts: readonly PartitionOffset[],
  ) {
    this.#read = read;
    this.#positions = new Map(begins.map(({ partition, offset }) => [partition, offset]));
    for (const { partition, offset } of starts) {
      // What was deleted can't be read.
      if (offset > (this.#positions.get(partition) ?? 0n)) this.#positions.set(partition, offset);
    }
    this.#open = new Map(ends.map(({ partition, offset }) => [partition, offset]));
    for (const [partition, end] of this.#open) {
      if ((this.#positions.get(partition) ?? 0n) >= end) this.#open.delete(partition);
    }
  }

  async run(): Promise<void> {
    const { source, signal } = this.#read;
    const stop = AbortSignal.any([this.#enough.signal, signal]);
    signal.throwIfAborted();
    if (this.#open.size === 0) return;
    const watching = this.#watch(stop).catch((error: unknown) => this.#fail(error));
    try {
      await source.consume(this, stop);
    } finally {
      this.#enough.abort();
      await watching;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    signal.throwIfAborted();
  }

  onAssigned(_: unknown, partitions: readonly TopicPartition[]): void {
    this.#assignments++;
    this.#seats.clear();
    for (const { topic, partition } of partitions) {
      this.#seats.set(partition, this.#assignments);
      const offset = this.#positions.get(partition);
      if (this.#read.starts !== undefined && offset !== undefined) this.#read.source.seek({ topic, partition, offset });
    }
  }

  /** What is in hand ends its piece, and may commit it: it sees that it has lost its seat. The source waits for it no longer than it may. */
  async onRevoked(): Promise<void> {
    this.#seats.clear();
    await Promise.all(this.#inHand);
  }

  onLost(): void {
    this.#seats.clear();
  }

  async onBatch(batch: RecordBatch): Promise<void> {
    const taken = this.#take(batch);
    this.#inHand.add(taken);
    await taken;
    this.#inHand.delete(taken);
  }

  async #take(batch: RecordBatch): Promise<void> {
    const { partition } = batch;
    const end = this.#open.get(partition);
    const seat = this.#seats.get(partition);
    if (end === undefined || seat === undefined) return;
    const stillOurs = () => {
      this.#heard = performance.now();
      return !this.#read.signal.aborted && !this.#enough.signal.aborted && this.#seats.get(partition) === seat;
    };
    if (!stillOurs()) return;
    const from = this.#positions.get(partition) ?? 0n;
    const records = batch.records.filter(({ offset }) => offset >= from && offset < end);
    try {
      const wish = records.length === 0 ? "more" : await this.#read.onBatch({ ...batch, records }, stillOurs);
      if (wish === "enough") this.#open.clear();
      const next = (batch.records.at(-1)?.offset ?? from - 1n) + 1n;
      if (stillOurs() && next > from) this.#positions.set(partition, next);
      if (stillOurs() && next >= end) this.#open.delete(partition);
      if (this.#open.size === 0) this.#enough.abort();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    // Whoever was told to stop, and left what was in hand too long, finds its connections closed: that is the stop and no fault of the brokers.
    const ofStop = this.#read.signal.aborted && isLarderError(error, "STREAM_UNAVAILABLE", "STREAM_CLOSED");
    if (!ofStop) this.#failure ??= { error };
    this.#enough.abort();
  }

  /** Partitions may be another member's, and brokers may say nothing. */
  async #watch(stop: AbortSignal): Promise<void> {
    const { topic, groupId, admin } = this.#read;
    while (!stop.aborted) {
      await wait(LOOK_MS, undefined, { signal: stop }).catch(() => {});
      if (stop.aborted) return;
      const elsewhere = [...this.#open.keys()].some((partition) => !this.#seats.has(partition));
      // What was committed while it was given up, and came back, has nothing more to hand over.
      if (this.#assignments > 1 || (this.#assignments > 0 && elsewhere)) {
        this.#lookAtOthers(await admin.committedOffsets(groupId, topic));
      }
      if (performance.now() - this.#heard < SILENCE_MS) continue;
      throw new LarderError("STREAM_UNAVAILABLE", {
        what: `Nothing came of topic ${topic} for ${SILENCE_MS / 1_000} s, and ${this.#open.size} of its partitions are not read to their end`,
        remedy: "See that the brokers run, then run it again",
        facts: { topic },
      });
    }
  }

  #lookAtOthers(committed: readonly PartitionOffset[]): void {
    let others = 0n;
    for (const { partition, offset } of committed) {
      others += offset;
      const end = this.#open.get(partition);
      if (end !== undefined && offset >= end) this.#open.delete(partition);
    }
    if (others !== this.#others) this.#heard = performance.now();
    this.#others = others;
    if (this.#open.size === 0) this.#enough.abort();
  }
}
