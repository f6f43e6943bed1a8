import type { TopicPartition } from "./event-source.ts";

/** A partition as the key of a map. A topic's name has no colon. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}
