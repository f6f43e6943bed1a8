import type { PartitionOffset } from "./event-source.ts";

/** Offsets by their topic, in the order they came in. */
export function byTopic(offsets: readonly PartitionOffset[]): ReadonlyMap<string, readonly PartitionOffset[]> {
  return Map.groupBy(offsets, ({ topic }) => topic);
}
