import { once } from "node:events";
import { findTenant, loadDefinitions, systemClock } from "@larder/schema";
import { buildApp, loadModels, type ModelEvent, openAuthenticator, readTlsFiles } from "@larder/serving";
import { openOnlineStore } from "@larder/store-core";
import pino, { type Logger } from "pino";
import { checkApplied } from "./check-applied.ts";
import { Lifecycle } from "./lifecycle.ts";
import { type ListenWish, listenAddress, listenError } from "./listen-address.ts";
import { createMaterialize } from "./materialize-function.ts";

/** What `larder serve` runs on. */
export interface ServeRequest extends ListenWish {
  readonly file: string;
  /** Whose rows a request is for that names no tenant. */
  readonly tenant: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the server: not ready, requests under way finish, everything closes. */
  readonly signal: AbortSignal;
  /** Called once, with the address, when requests are answered. */
  readonly onListening: (url: string) => void;
}

/**
 * Serves until `signal` aborts. Store, models and server open in this order and close in reverse within 10 s.
 * @throws what opening them throws; DEFINITIONS_INCOMPATIBLE, see {@link checkApplied}; CONFIG_UNREADABLE and CONFIG_INVALID for files of keys or certificates, UNKNOWN_TENANT, PORT_IN_USE, UNSAFE_LISTEN, USAGE; INTERNAL when something did not close in time
 */
export async function serve(request: ServeRequest): Promise<void> {
  const definitions = await loadDefinitions(request.file, { env: request.env });
  const { name: tenant } = findTenant(definitions, request.tenant);
  const address = listenAddress(definitions, request);
  const clock = systemClock;
  const logger = pino({ name: "larder", base: null }, pino.destination({ dest: 2, sync: true }));
  for (const { place, field, what } of definitions.notices) logger.warn({ place, field }, `${field} ${what}`);
  const lifecycle = new Lifecycle({ onProblem: (problem) => logger.error({ code: problem.code }, problem.message) });
  try {
    const store = await lifecycle.open("online store", () => openOnlineStore(definitions, { clock }));
    const warning = await checkApplied({ definitions, store }, { refuseBreaking: true, signal: request.signal });
    if (warning !== undefined) logger.warn({ definitions: definitions.hash }, warning);
    const models = await lifecycle.open("models", () =>
      loadModels(definitions, { onEvent: (event) => logModelEvent(logger, event) }),
    );
    const { auth, tls } = definitions.server;
    const authenticator =
      typeof auth === "object"
        ? await lifecycle.open("authentication", () =>
            openAuthenticator(auth, {
              clock,
              onProblem: (problem) => logger.error({ code: problem.code }, problem.message),
            }),
          )
        : undefined;
    const tlsFiles = tls === undefined ? undefined : await readTlsFiles(tls);
    const app = await lifecycle.open("HTTP server", () =>
      buildApp({
        definitions,
        store,
        models,
        clock,
        materialize: createMaterialize({ definitions, store, clock }, request.file, request.env),
        tenant,
        logger,
        stopping: request.signal,
        ...(authenticator === undefined ? {} : { authenticator }),
        ...(tlsFiles === undefined ? {} : { tls: tlsFiles }),
      }),
    );
    const url = await app.listen(address).catch((error: unknown) => {
      throw listenError(error, address);
    });
    request.onListening(url);
    if (!request.signal.aborted) await once(request.signal, "abort");
    logger.info("stopping");
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
  const [problem] = await lifecycle.close();
  if (problem !== undefined) throw problem;
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
