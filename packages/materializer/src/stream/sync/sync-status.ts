import type { ErrorCode } from "@larder/schema";
import type { Outage } from "./outages.ts";
import type { ViewLagStatus } from "./view-lag.ts";

/** What became of rows. */
export interface WriteCounts {
  readonly applied: number;
  readonly duplicate: number;
  readonly stale: number;
  readonly expired: number;
  /** Of the applied and stale ones: those that met a row of the same times and kind and other values. */
  readonly conflict: number;
  /** Not written, since a newer or equal row of their entity was in the same batch. */
  readonly merged: number;
  /** Refused by the store, and so in the dead letters. */
  readonly refused: number;
}

/** A view and tenant, since the sync began. */
export interface ViewCounts extends WriteCounts {
  readonly view: string;
  readonly tenant: string;
  readonly lag: ViewLagStatus;
  /**
   * The time of the oldest event that is read and not in the store yet, in microseconds of the epoch: the event time, or the record's own time where it
   * is not decoded yet and may be anybody's.
   */
  readonly oldest: number | undefined;
}

/** Dead letters of one topic and reason, since the sync began; also of one view and tenant, where they are known. */
export interface DeadLetterCount {
  readonly topic: string;
  readonly code: ErrorCode;
  readonly view: string | undefined;
  readonly tenant: string | undefined;
  readonly count: number;
}

/** A partition that is ours. */
export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to arrive; undefined before the first record. */
  readonly position: bigint | undefined;
  /** The last that this process committed. */
  readonly committed: bigint | undefined;
  /** The offset after the last record of the partition, when it was last heard of. */
  readonly highWatermark: bigint;
  /** The least time of a record that is read and not settled, in microseconds of the epoch. */
  readonly oldest: number | undefined;
  /** Records and bytes on their way. */
  readonly records: number;
  readonly bytes: number;
  /** No records are taken until there is room. */
  readonly paused: boolean;
}

/** How a sync does. */
export interface SyncStatus {
  /** When this was so, in microseconds of the epoch. */
  readonly at: number;
  /** It runs, is a member of the group, and nothing that it depends on is away. */
  readonly ready: boolean;
  readonly running: boolean;
  readonly joined: boolean;
  readonly outages: readonly Outage[];
  readonly partitions: readonly PartitionStatus[];
  readonly views: readonly ViewCounts[];
  readonly deadLetters: readonly DeadLetterCount[];
  /** Fields of records that no view reads. */
  readonly unknownFields: number;
}
