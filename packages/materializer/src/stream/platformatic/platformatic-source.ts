import type { StreamConfig } from "@larder/schema";
import type { EventSource } from "../event-source.ts";
import { SessionSource } from "../session-source.ts";
import { platformaticError, preparePlatformatic } from "./platformatic-client.ts";
import { PlatformaticSession } from "./platformatic-session.ts";

/** Reads the topics with @platformatic/kafka. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openPlatformaticSource(config: StreamConfig, topics: readonly string[]): Promise<EventSource> {
  const prepared = await preparePlatformatic(config);
  return new SessionSource({
    capabilities: { cooperative: false, staticMembership: false },
    open: (receiver, joined) => new PlatformaticSession(prepared, config, topics, receiver, joined),
    coded: (error) => platformaticError(error, `${topics.join(", ")} as group ${config.groupId}`),
  });
}
