import {
  createRecordDecoder,
  createSync,
  deadLetterTopic,
  openEventSource,
  openRecordSink,
  openStreamAdmin,
  type StreamAdmin,
  type SyncEvent,
  streamOf,
  topicsOf,
} from "@larder/materializer/stream";
import { LarderError, loadDefinitions, systemClock } from "@larder/schema";
import { openAuthenticator, readTlsFiles } from "@larder/serving";
import { openOnlineStore } from "@larder/store-core";
import pino from "pino";
import { checkApplied } from "./check-applied.ts";
import { Lifecycle } from "./lifecycle.ts";
import { type ListenWish, listenAddress } from "./listen-address.ts";
import { logEvent } from "./sync/log-event.ts";
import { openSyncHttp } from "./sync/sync-http.ts";

/** What `larder sync` runs on. */
export interface SyncRequest extends ListenWish {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the sync: not ready, what is under way is written and committed, everything closes. */
  readonly signal: AbortSignal;
  /** Called once, with the address of probes and metrics. */
  readonly onListening: (url: string) => void;
}

/** Beside that of `larder serve`, so that both run on one machine from one file. */
const DEFAULT_PORT = 6567;

/**
 * Copies the topics that feature views name into the online store until `signal` aborts. Everything opens in order and closes in reverse within 10 s.
 * @throws what opening throws and {@link Sync.run}; CONFIG_INVALID where no view reads a stream; STREAM_MISCONFIGURED where a topic, or the topic of its
 * dead letters, does not exist; DEFINITIONS_INCOMPATIBLE, see {@link checkApplied}; PORT_IN_USE, UNSAFE_LISTEN, USAGE
 */
export async function sync(request: SyncRequest): Promise<void> {
  const definitions = await loadDefinitions(request.file, { env: request.env });
  const stream = streamOf(definitions);
  const address = listenAddress(definitions, { ...request, port: request.port ?? DEFAULT_PORT });
  const clock = systemClock;
  const logger = pino({ name: "larder", base: null }, pino.destination({ dest: 2, sync: true }));
  const onProblem = (problem: LarderError) => logger.error({ code: problem.code }, problem.message);
  for (const { place, field, what } of definitions.notices) logger.warn({ place, field }, `${field} ${what}`);
  const lifecycle = new Lifecycle({ onProblem });
  try {
    const store = await lifecycle.open("online store", () => openOnlineStore(definitions, { clock }));
    const warning = await checkApplied({ definitions, store }, { refuseBreaking: true, signal: request.signal });
    if (warning !== undefined) logger.warn({ definitions: definitions.hash }, warning);
    const topics = topicsOf(definitions);
    const admin = await lifecycle.open("broker's admin", () => openStreamAdmin(stream));
    for (const topic of topics) {
      await refuseMissing(admin, topic, "which a view reads", "Create it, or correct the view's stream");
      const letters = deadLetterTopic(stream.poison.topic, topic);
      await refuseMissing(admin, letters, `which takes what cannot be used of ${topic}`, "Create it");
    }
    const decoder = createRecordDecoder(definitions);
    const sink = await lifecycle.open("dead letters", () => openRecordSink(stream));
    const source = await lifecycle.open("stream", () => openEventSource(stream, topics));
    const onEvent = (event: SyncEvent) => logEvent(logger, event);
    const running = createSync({ definitions, store, source, sink, decoder, clock, onEvent });
    const { auth, tls } = definitions.server;
    const authenticator =
      typeof auth === "object"
        ? await lifecycle.open("authentication", () => openAuthenticator(auth, { clock, onProblem }))
        : undefined;
    const tlsFiles = tls === undefined ? undefined : await readTlsFiles(tls);
    const parts = { definitions, sync: running, authenticator, tls: tlsFiles, onProblem };
    const http = await lifecycle.open("HTTP server", () => openSyncHttp(parts, address));
    request.onListening(http.url);
    await running.run(request.signal);
    logger.info("stopping");
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
  const [problem] = await lifecycle.close();
  if (problem !== undefined) throw problem;
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
