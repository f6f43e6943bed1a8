import { createSync, moveGroup, openEventSource, planStart, type StartPosition } from "@larder/materializer/stream";
import { isLarderError, type LarderError } from "@larder/schema";
import { openAuthenticator, readTlsFiles } from "@larder/serving";
import { Lifecycle } from "./lifecycle.ts";
import { type ListenWish, listenAddress } from "./listen-address.ts";
import { loadStreamDefinitions, openSync, type SyncWish, syncLogger } from "./sync/open-sync.ts";
import { openSyncHttp } from "./sync/sync-http.ts";

/** What `larder sync` runs on; its signal ends the sync: not ready, what is under way is written and committed, everything closes. */
export interface SyncRequest extends ListenWish, SyncWish {
  /** Where the group begins to read, in place of where it was. It must have no members. */
  readonly from?: StartPosition | undefined;
  /** Called once, with the address of probes and metrics. */
  readonly onListening: (url: string) => void;
}

/** Beside that of `larder serve`, so that both run on one machine from one file. */
const DEFAULT_PORT = 6567;

/**
 * Copies the topics that feature views name into the online store until the signal aborts. Everything opens in order and closes in reverse within 10 s.
 * @throws what {@link openSync} throws and {@link Sync.run}; CONFIG_INVALID where no view reads a stream; with `from` STREAM_GROUP_ACTIVE and USAGE, see
 * {@link planStart}; PORT_IN_USE, UNSAFE_LISTEN, USAGE
 */
export async function sync(request: SyncRequest): Promise<void> {
  const definitions = await loadStreamDefinitions(request);
  const address = listenAddress(definitions, { ...request, port: request.port ?? DEFAULT_PORT });
  const logger = syncLogger();
  const onProblem = (problem: LarderError) => logger.error({ code: problem.code }, problem.message);
  const lifecycle = new Lifecycle({ onProblem });
  try {
    const opened = await openSync(definitions, lifecycle, logger, request);
    const { stream, topics, admin, clock } = opened;
    if (request.from !== undefined) {
      const plan = await planStart(admin, { groupId: stream.groupId, topics, from: request.from });
      await moveGroup(admin, plan);
      logger.info({ from: request.from.text, partitions: plan.partitions.length }, "moved the group");
    }
    const source = await lifecycle.open("stream", () => openEventSource(stream, topics));
    const running = createSync({ ...opened, source });
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
    // Told to end while it began is told to end.
    if (!request.signal.aborted || !isLarderError(error, "ABORTED")) {
      await lifecycle.close();
      throw error;
    }
  }
  const [problem] = await lifecycle.close();
  if (problem !== undefined) throw problem;
}
