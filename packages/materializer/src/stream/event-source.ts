/**
 * What a sync needs of a broker, and nothing else: any client behind it must pass the same suite. Offsets are those of the log (`bigint`); a committed
 * offset is the next one to read. Times are milliseconds of the epoch, as brokers keep them.
 */
export interface EventSource extends AsyncDisposable {
  readonly capabilities: EventSourceCapabilities;

  /**
   * Joins the group and hands over what it reads until `signal` aborts or {@link close} is called; then leaves the group. Comes back by itself after an
   * outage of the broker.
   * @throws STREAM_MISCONFIGURED for an unknown topic, missing rights or refused credentials; STREAM_CLOSED after close
   */
  consume(consumer: BatchConsumer, signal: AbortSignal): Promise<void>;

  /** Stops and resumes the hand-over of partitions without leaving the group. Partitions that are not assigned are passed over. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;

  /**
   * Commits as a member of the generation that read the records, so that a process which lost its partitions meanwhile can move nothing.
   * @throws STREAM_FENCED when that generation is over; STREAM_UNAVAILABLE
   */
  commit(generation: Generation, offsets: readonly PartitionOffset[]): Promise<void>;

  /** Hands over from `offset` on, in place of where the partition stands. */
  seek(position: PartitionOffset): void;

  /** Ends every connection and timer. Safe to call twice. */
  close(): Promise<void>;
}

/** How clients differ; a difference is a capability, never a name. */
export interface EventSourceCapabilities {
  /** A rebalance takes only the partitions that move. */
  readonly cooperative: boolean;
  /** A member that comes back within its session gets its partitions without a rebalance. */
  readonly staticMembership: boolean;
}

/** Who receives records. Every promise of it is awaited. */
export interface BatchConsumer {
  /** Partitions that are now ours, and the generation they are read in. */
  onAssigned(generation: Generation, partitions: readonly TopicPartition[]): void;
  /** Called before partitions are given up: what resolves by `deadline` (of `performance.now()`) may still commit. */
  onRevoked(partitions: readonly TopicPartition[], deadline: number): Promise<void>;
  /** Partitions that are already somebody else's: nothing of them may be committed. */
  onLost(partitions: readonly TopicPartition[]): void;
  /** The next records of one partition, in its order. The same partition's next batch comes when the promise resolves. */
  onBatch(batch: RecordBatch): Promise<void>;
}

/** The group's generation a partition is read in; opaque. */
export interface Generation {
  readonly id: number;
  readonly memberId: string;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface PartitionOffset extends TopicPartition {
  readonly offset: bigint;
}

/** Records of one partition in its order; offsets may have gaps. */
export interface RecordBatch extends TopicPartition {
  readonly generation: Generation;
  readonly records: readonly StreamRecord[];
  /** The offset after the partition's last record, for the lag. */
  readonly highWatermark: bigint;
}

/** One record as the broker holds it. */
export interface StreamRecord {
  readonly offset: bigint;
  /** The record's own time in milliseconds: by the topic's configuration that of its making or of its append. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  /** null is a tombstone. */
  readonly value: Uint8Array | null;
  readonly headers: ReadonlyMap<string, Uint8Array>;
}
