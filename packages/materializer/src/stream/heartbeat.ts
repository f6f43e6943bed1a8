import type { StreamConfig } from "@larder/schema";

/** Of the time that the group waits for a member; the rest is for hearing of the rebalance, which takes up to a heartbeat, and for the join itself. */
export const DRAIN_SHARE = 0.7;

/** Time between two heartbeats, in milliseconds: often enough for the session, and for a drain to begin early in a rebalance. */
export function heartbeatMs({
  sessionTimeoutMs,
  rebalanceTimeoutMs,
}: Pick<StreamConfig, "sessionTimeoutMs" | "rebalanceTimeoutMs">): number {
  return Math.max(50, Math.min(3_000, sessionTimeoutMs / 4, rebalanceTimeoutMs / 10));
}
