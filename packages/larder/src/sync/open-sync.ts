import {
  createPace,
  createRecordDecoder,
  deadLetterTopic,
  openRecordSink,
  openStreamAdmin,
  type StreamAdmin,
  type SyncEvent,
  type SyncParts,
  streamOf,
  topicsOf,
} from "@larder/materializer/stream";
import { type Definitions, LarderError, loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import pino, { type Logger } from "pino";
import { checkApplied } from "../check-applied.ts";
import type { Lifecycle } from "../lifecycle.ts";
import { logEvent } from "./log-event.ts";

/** What everything that reads the topics is told. */
export interface SyncWish {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Default: as fast as the store takes them. */
  readonly maxRowsPerSecond?: number | undefined;
}

/** What a sync and a replay work with, all but the source of records. */
export interface OpenedSync extends Omit<SyncParts, "source"> {
  readonly stream: ReturnType<typeof streamOf>;
  readonly topics: readonly string[];
  readonly admin: StreamAdmin;
}

/** The log of a sync: JSON lines on stderr. */
export function syncLogger(): Logger {
  return pino({ name: "larder", base: null }, pino.destination({ dest: 2, sync: true }));
}

/**
 * Opens them in order; `lifecycle` closes them.
 * @throws what opening throws; STREAM_MISCONFIGURED where a topic, or the topic of its dead letters, does not exist; DEFINITIONS_INCOMPATIBLE, see
 * {@link checkApplied}
 */
export async function openSync(
  definitions: Definitions,
  lifecycle: Lifecycle,
  logger: Logger,
  { signal, maxRowsPerSecond }: SyncWish,
): Promise<OpenedSync> {
  const stream = streamOf(definitions);
  const topics = topicsOf(definitions);
  const clock = systemClock;
  for (const { place, field, what } of definitions.notices) logger.warn({ place, field }, `${field} ${what}`);
  const store = await lifecycle.open("online store", () => openOnlineStore(definitions, { clock }));
  const warning = await checkApplied({ definitions, store }, { refuseBreaking: true, signal });
  if (warning !== undefined) logger.warn({ definitions: definitions.hash }, warning);
  const admin = await lifecycle.open("broker's admin", () => openStreamAdmin(stream));
  await refuseMissingTopics(admin, topics);
  for (const topic of topics) {
    const letters = deadLetterTopic(stream.poison.topic, topic);
    await refuseMissing(admin, letters, `which takes what cannot be used of ${topic}`, "Create it");
  }
  const decoder = createRecordDecoder(definitions);
  const sink = await lifecycle.open("dead letters", () => openRecordSink(stream));
  const onEvent = (event: SyncEvent) => logEvent(logger, event);
  const pace = maxRowsPerSecond === undefined ? {} : { pace: createPace(maxRowsPerSecond) };
  return { definitions, stream, topics, store, admin, decoder, sink, clock, onEvent, ...pace };
}

/** The definitions of a sync. @throws CONFIG_INVALID where no view reads a stream, and what loading throws */
export async function loadStreamDefinitions({ file, env }: Pick<SyncWish, "file" | "env">): Promise<Definitions> {
  const definitions = await loadDefinitions(file, { env });
  streamOf(definitions);
  return definitions;
}

/** @throws STREAM_MISCONFIGURED */
export async function refuseMissingTopics(admin: StreamAdmin, topics: readonly string[]): Promise<void> {
  for (const topic of topics) {
    await refuseMissing(admin, topic, "which a view reads", "Create it, or correct the view's stream");
  }
}

async function refuseMissing(
  admin: Pick<StreamAdmin, "partitions">,
  topic: string,
  role: string,
  remedy: string,
): Promise<void> {
  if ((await admin.partitions(topic)) !== undefined) return;
  throw new LarderError("STREAM_MISCONFIGURED", {
    what: `There is no topic ${topic}, ${role}`,
    remedy,
    facts: { topic, reason: "UNKNOWN_TOPIC_OR_PARTITION" },
  });
}
