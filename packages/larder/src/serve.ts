import { type Definitions, findTenant, loadDefinitions } from "@larder/schema";
import { CLOSE_MS } from "./lifecycle.ts";
import { freePort, type ListenWish, listenAddress } from "./listen-address.ts";
import { createLogger, tellNotices } from "./server-log.ts";
import { supervise } from "./workers/supervisor.ts";
import { type WorkerLink, workerLink } from "./workers/worker.ts";

/** What `larder serve` runs on. */
export interface ServeRequest extends ListenWish {
  readonly file: string;
  /** Whose rows a request is for that names no tenant. */
  readonly tenant: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How many processes share the port; undefined = this one alone. The command line's arguments start each of them. */
  readonly workers?: number | undefined;
  /** Ends the server: not ready, requests under way finish, everything closes. */
  readonly signal: AbortSignal;
  /** Called once, with the address, when requests are answered. */
  readonly onListening: (url: string) => void;
}

/**
 * Serves until `signal` aborts. What only the process that answers needs is loaded there: the supervisor of workers stays small.
 * @throws what opening them throws; DEFINITIONS_INCOMPATIBLE, see `checkApplied`; CONFIG_UNREADABLE and CONFIG_INVALID for files of keys or
 * certificates, UNKNOWN_TENANT, PORT_IN_USE, UNSAFE_LISTEN, USAGE, MISSING_DEPENDENCY; UNSUPPORTED for several workers on a store that processes cannot
 * share; WORKER_CRASHED; INTERNAL when something did not close in time
 */
export async function serve(request: ServeRequest): Promise<void> {
  const link = workerLink();
  if (link !== undefined) return serveAsWorker(request, link);
  if (request.workers === undefined) {
    const { runServer } = await import("./run-server.ts");
    return runServer(request, await load(request), undefined);
  }
  const definitions = await load(request);
  const logger = createLogger(undefined);
  tellNotices(definitions, logger);
  const address = listenAddress(definitions, request);
  await supervise({
    count: request.workers,
    port: await freePort(address),
    logger,
    signal: request.signal,
    endMs: definitions.server.drainDelayMs + CLOSE_MS + 1_000,
    onListening: request.onListening,
  });
}

async function load({ file, env, tenant }: ServeRequest): Promise<Definitions> {
  const definitions = await loadDefinitions(file, { env });
  findTenant(definitions, tenant);
  return definitions;
}

/** The supervisor hears of a failure, and says it once for all. */
async function serveAsWorker(request: ServeRequest, link: WorkerLink): Promise<void> {
  try {
    const definitions = await load(request);
    const { runServer } = await import("./run-server.ts");
    await runServer({ ...request, signal: AbortSignal.any([request.signal, link.stop]) }, definitions, link);
  } catch (error) {
    await link.failed(error);
  } finally {
    await link.leave();
  }
}
