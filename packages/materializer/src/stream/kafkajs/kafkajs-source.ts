import type { StreamConfig } from "@larder/schema";
import type { EventSource } from "../event-source.ts";
import { SessionSource } from "../session-source.ts";
import { kafkajsError, prepareKafkajs } from "./kafkajs-client.ts";
import { KafkajsSession } from "./kafkajs-session.ts";

/** Reads the topics with kafkajs. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openKafkajsSource(config: StreamConfig, topics: readonly string[]): Promise<EventSource> {
  const connect = await prepareKafkajs(config);
  return new SessionSource({
    capabilities: { cooperative: false, staticMembership: false },
    open: (receiver, joined) => new KafkajsSession(connect(), config, topics, receiver, joined),
    coded: (error) => kafkajsError(error, `${topics.join(", ")} as group ${config.groupId}`),
  });
}
