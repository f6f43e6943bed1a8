import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { type Definitions, LarderError, systemClock } from "@larder/schema";
import { buildApp, loadModels, type ModelEvent, openAuthenticator, openServedLog, readTlsFiles } from "@larder/serving";
import { openOnlineStore } from "@larder/store-core";
import type { Logger } from "pino";
import { checkApplied } from "./check-applied.ts";
import { createHistorical } from "./historical-function.ts";
import { Lifecycle } from "./lifecycle.ts";
import { listenAddress, listenError } from "./listen-address.ts";
import { createMaterialize } from "./materialize-function.ts";
import type { ServeRequest } from "./serve.ts";
import { createLogger, tellNotices } from "./server-log.ts";
import { openTelemetry } from "./telemetry.ts";
import type { WorkerLink } from "./workers/worker.ts";

/**
 * Serves in this process until `signal` aborts, or the supervisor retires it. Store, models and server open in this order and close in reverse.
 * @throws as `serve`
 */
export async function runServer(
  request: ServeRequest,
  definitions: Definitions,
  link: WorkerLink | undefined,
): Promise<void> {
  const address = listenAddress(definitions, request);
  const clock = systemClock;
  const logger = createLogger(link?.number);
  if (link === undefined) tellNotices(definitions, logger);
  const onProblem = (problem: LarderError) => logger.error({ code: problem.code }, problem.message);
  const lifecycle = new Lifecycle({ onProblem });
  try {
    const store = await lifecycle.open("online store", () => openOnlineStore(definitions, { clock }));
    if (link !== undefined && !store.capabilities.durable) throw unshared(definitions);
    const warning = await checkApplied({ definitions, store }, { refuseBreaking: true, signal: request.signal });
    if (warning !== undefined) logger.warn({ definitions: definitions.hash }, warning);
    const models = await lifecycle.open("models", () =>
      loadModels(definitions, { onEvent: (event) => logModelEvent(logger, event) }),
    );
    const { auth, tls } = definitions.server;
    const authenticator =
      typeof auth === "object"
        ? await lifecycle.open("authentication", () => openAuthenticator(auth, { clock, onProblem }))
        : undefined;
    const tlsFiles = tls === undefined ? undefined : await readTlsFiles(tls);
    const telemetry = await openTelemetry({
      definitions,
      env: request.env,
      onProblem: (text) => logger.warn({ part: "telemetry" }, text),
    });
    if (telemetry !== undefined) lifecycle.opened("telemetry", () => telemetry.close());
    const { servedLog: logged } = definitions.server;
    const servedLog =
      logged === undefined
        ? undefined
        : await lifecycle.open("log of served vectors", () =>
            openServedLog(logged, { definitions, store, clock, onProblem }),
          );
    const app = await lifecycle.open("HTTP server", () =>
      buildApp({
        definitions,
        store,
        models,
        clock,
        tenant: request.tenant,
        logger,
        stopping: request.signal,
        historical: createHistorical(definitions, request.file, request.env),
        ...(link === undefined
          ? { materialize: createMaterialize({ definitions, store, clock }, request.file, request.env) }
          : { peers: link.peers }),
        ...(authenticator === undefined ? {} : { authenticator }),
        ...(tlsFiles === undefined ? {} : { tls: tlsFiles }),
        ...(servedLog === undefined ? {} : { servedLog }),
      }),
    );
    const url = await app.listen(address).catch((error: unknown) => {
      throw listenError(error, address);
    });
    if (link === undefined) request.onListening(url);
    else link.ready(url);
    await ended(request.signal, link?.retire, definitions.server.drainDelayMs, logger);
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
  const [problem] = await lifecycle.close();
  if (problem !== undefined) throw problem;
}

/** Settles when it is time to close: after `stop` requests are taken a while longer, after `retire` others take them. */
async function ended(
  stop: AbortSignal,
  retire: AbortSignal | undefined,
  drainDelayMs: number,
  logger: Logger,
): Promise<void> {
  const either = retire === undefined ? stop : AbortSignal.any([stop, retire]);
  if (!either.aborted) await once(either, "abort");
  logger.info(stop.aborted ? "stopping" : "retiring");
  if (stop.aborted) await wait(drainDelayMs);
}

function unshared({ onlineStore }: Definitions): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: `--workers needs an online store that processes share, and each would have a ${onlineStore.type} store of its own`,
    remedy: "Use a store of type sqlite or redis, or leave --workers out",
    facts: { field: "online_store.type" },
  });
}

/** Versions that come, go, or cannot be served; the end of the server is no news. */
function logModelEvent(logger: Logger, event: ModelEvent): void {
  switch (event.kind) {
    case "loaded": {
      const { definition, version, checksum, record } = event.model;
      const facts = { model: definition.name, version, checksum, run: record?.run_id ?? undefined };
      logger.info(facts, `model ${definition.name}: version ${version} is loaded`);
      return;
    }
    case "unloaded":
      logger.info(
        { model: event.name, version: event.version },
        `model ${event.name}: version ${event.version} is unloaded`,
      );
      return;
    case "failed": {
      const { name, version, error, kept } = event;
      const still = kept ? "; the version that was loaded before goes on to answer" : "";
      logger.error({ code: error.code, model: name, version, problems: error.problems }, `${error.message}${still}`);
      return;
    }
  }
}
