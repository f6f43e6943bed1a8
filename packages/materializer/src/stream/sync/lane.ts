import type { Generation, RecordBatch, StreamRecord, TopicPartition } from "../event-source.ts";
import { OffsetTracker, type TrackedOffset } from "./offset-tracker.ts";

/** What a record takes beside its key, value and headers, roughly. Bytes. */
const RECORD_OVERHEAD = 200;

/** A record on its way. */
export interface LaneRecord {
  readonly lane: Lane;
  readonly record: StreamRecord;
  readonly tracked: TrackedOffset;
  /** Things that must still end before it is settled: writes of its rows, its dead letter. */
  open: number;
  /** It goes, or went, to the dead letters. */
  refused: boolean;
}

/** One assigned partition: what waits to be decoded, what is under way, and how far it may be committed. */
export class Lane implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** The latest in which records of it came. */
  generation: Generation;
  highWatermark = 0n;
  paused = false;
  /** Somebody else's by now, or nobody's: nothing of it is written or committed any more. */
  gone = false;
  /** It takes no more records: what was not decoded is its next owner's. */
  stopped = false;
  /** It is decoded by one loop at a time. */
  decoding = false;
  committed: bigint | undefined;
  /** The record that waits for its schema. */
  awaited: StreamRecord | undefined;
  readonly #tracker = new OffsetTracker();
  #queue: LaneRecord[] = [];
  #queued = 0;
  #underWay = 0;
  readonly #onSettled: (lane: Lane) => void;
  #whenIdle: (() => void)[] = [];

  constructor({ topic, partition }: TopicPartition, generation: Generation, onSettled: (lane: Lane) => void) {
    this.topic = topic;
    this.partition = partition;
    this.generation = generation;
    this.#onSettled = onSettled;
  }

  /** See {@link OffsetTracker.records}. */
  get records(): number {
    return this.#tracker.records;
  }

  get bytes(): number {
    return this.#tracker.bytes;
  }

  /** The next offset to arrive. */
  get position(): bigint | undefined {
    return this.#tracker.position;
  }

  /** See {@link OffsetTracker.oldest}. */
  get oldest(): number | undefined {
    return this.#tracker.oldest;
  }

  /** The least time of a record that is not decoded yet, so that nobody knows whose it is; milliseconds of the epoch. */
  get oldestUndecoded(): number | undefined {
    let oldest = this.awaited?.timestamp;
    for (let at = this.#queued; at < this.#queue.length; at++) {
      const { timestamp = Number.POSITIVE_INFINITY } = this.#queue[at]?.record ?? {};
      if (oldest === undefined || timestamp < oldest) oldest = timestamp;
    }
    return oldest;
  }

  /** What is to be committed; undefined when nothing is new. */
  get committable(): bigint | undefined {
    const next = this.#tracker.committable;
    return next === this.committed ? undefined : next;
  }

  /** True for records that came before: the partition was rewound, and what is under way is of no more use. */
  rewinds({ records: [first] }: RecordBatch): boolean {
    return first !== undefined && this.position !== undefined && first.offset < this.position;
  }

  take(batch: RecordBatch): void {
    if (this.stopped) return;
    this.generation = batch.generation;
    this.highWatermark = batch.highWatermark;
    for (const record of batch.records) {
      const tracked = this.#tracker.add(record.offset, bytesOf(record), record.timestamp);
      this.#queue.push({ lane: this, record, tracked, open: 0, refused: false });
    }
  }

  /** The next record to decode; undefined when none waits. It is under way until it is settled. */
  next(): LaneRecord | undefined {
    const record = this.#queue[this.#queued];
    if (record === undefined) {
      this.#queue = [];
      this.#queued = 0;
      return undefined;
    }
    this.#queued++;
    this.#underWay++;
    return record;
  }

  /** All work on a record has ended. */
  settle({ tracked }: LaneRecord): void {
    this.#tracker.settle(tracked);
    this.#underWay--;
    if (this.#underWay === 0) this.#wakeIdle();
    this.#onSettled(this);
  }

  /** Forgets what was not decoded yet, and takes no more. */
  stop(): void {
    this.stopped = true;
    this.#queue = [];
    this.#queued = 0;
  }

  /** Resolves when nothing is under way, or when it is given up. */
  async idle(): Promise<void> {
    if (this.#underWay === 0 || this.gone) return;
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  giveUp(): void {
    this.gone = true;
    this.stop();
    this.#wakeIdle();
  }

  #wakeIdle(): void {
    for (const wake of this.#whenIdle) wake();
    this.#whenIdle = [];
  }
}

function bytesOf({ key, value, headers }: StreamRecord): number {
  let bytes = RECORD_OVERHEAD + (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
  for (const [name, header] of headers) bytes += name.length + header.byteLength;
  return bytes;
}
