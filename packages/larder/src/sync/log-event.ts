import type { SyncEvent } from "@larder/materializer/stream";
import type { Logger } from "pino";

const AWAY = {
  store: "the online store is away: offsets are held, and it is tried again",
  commits: "offsets cannot be committed: they are tried again",
  dead_letters: "dead letters cannot be sent: offsets are held, and it is tried again",
  schemas: "the schema registry is away: its topics wait",
} as const;

/** A sync's log: what came, what went, and what is awaited. */
export function logEvent(logger: Logger, event: SyncEvent): void {
  switch (event.kind) {
    case "assigned":
    case "revoked":
    case "lost":
      logger.info({ partitions: event.partitions.map(({ topic, partition }) => `${topic}/${partition}`) }, event.kind);
      return;
    case "away":
      logger.warn({ code: event.problem.code, reason: event.problem.message }, AWAY[event.of]);
      return;
    case "back":
      logger.info({ of: event.of }, "back");
      return;
    case "fenced":
      logger.warn({ code: event.problem.code }, event.problem.message);
  }
}
