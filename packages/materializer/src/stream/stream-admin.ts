import type { PartitionOffset } from "./event-source.ts";

/**
 * What lag and a start elsewhere need to know of a broker. A port: each client has its own. Every method throws STREAM_UNAVAILABLE,
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
  /** Ends every connection and timer. Safe to call twice. */
  close(): Promise<void>;
}
