import type { PartitionOffset } from "./event-source.ts";

/**
 * What lag, a start elsewhere and work on dead letters need of a broker. A port: each client has its own. Every method throws STREAM_UNAVAILABLE,
 * STREAM_MISCONFIGURED for an unknown topic, missing rights or refused credentials, and STREAM_CLOSED after close.
 */
export interface StreamAdmin extends AsyncDisposable {
  /** Numbers of the topic's partitions, ascending; undefined when there is no such topic. */
  partitions(topic: string): Promise<readonly number[] | undefined>;
  /** Per partition the oldest offset that is still there. */
  beginOffsets(topic: string): Promise<readonly PartitionOffset[]>;
  /** Per partition the offset after the last record. */
  endOffsets(topic: string): Promise<readonly PartitionOffset[]>;
  /** Per partition the first record whose time is at or after `timestamp` (milliseconds of the epoch); the end where there is none. */
  offsetsAt(topic: string, timestamp: number): Promise<readonly PartitionOffset[]>;
  /** What the group has committed; partitions without a commit are left out. */
  committedOffsets(groupId: string, topic: string): Promise<readonly PartitionOffset[]>;
  /** Whether records keep the time that their producer gave them, in place of that of their append. */
  keepsRecordTimes(topic: string): Promise<boolean>;
  /** Deletes the records before each of these offsets, for good. */
  deleteBefore(positions: readonly PartitionOffset[]): Promise<void>;
  /** Who is in the group now; a killed process counts until its session has timed out. A group that does not exist has nobody. */
  members(groupId: string): Promise<readonly GroupMember[]>;
  /**
   * Commits in the name of a group without members. What several calls set stays set when a later one fails.
   * @throws STREAM_GROUP_ACTIVE when the group has members
   */
  setOffsets(groupId: string, offsets: readonly PartitionOffset[]): Promise<void>;
  /** Removes a group and what it has committed; one that does not exist is removed already. @throws STREAM_GROUP_ACTIVE */
  deleteGroup(groupId: string): Promise<void>;
  /** Ends every connection and timer. Safe to call twice. */
  close(): Promise<void>;
}

/** A process in a group, as the broker knows it. */
export interface GroupMember {
  readonly id: string;
  readonly clientId: string;
  readonly host: string;
}
