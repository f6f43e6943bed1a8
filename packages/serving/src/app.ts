import type { RequestListener, Server } from "node:http";
import { FEAST_PREFIX, REQUEST_ID_HEADER } from "@larder/contract";
import { type Clock, type Definitions, LarderError, type ServerConfig } from "@larder/schema";
import type { OnlineStore } from "@larder/store-core";
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import type { Authenticator } from "./auth/credential.ts";
import { CompiledReads } from "./features/compiled-read.ts";
import type { HistoricalFunction } from "./historical/historical-function.ts";
import type { MaterializeFunction } from "./materialize/materialize-function.ts";
import { MaterializeJobs } from "./materialize/materialize-jobs.ts";
import type { MetricsPeers } from "./metrics/metrics-peers.ts";
import { watchServedLog } from "./metrics/served-log-metrics.ts";
import { ServingMetrics } from "./metrics/serving-metrics.ts";
import { registerAdmission } from "./plugins/admission.ts";
import { clientErrorHandler } from "./plugins/client-error.ts";
import { registerConnections } from "./plugins/connections.ts";
import { registerErrors, sendError } from "./plugins/errors.ts";
import { registerJsonBody } from "./plugins/json-body.ts";
import { registerObservers } from "./plugins/observers.ts";
import { requestId } from "./plugins/request-id.ts";
import type { ModelRegistry } from "./registry/model-registry.ts";
import { registerDeleteFromOnlineStore } from "./routes/delete-from-online-store.ts";
import { registerGetOnlineFeatures } from "./routes/get-online-features.ts";
import { registerFeastHealth, registerHealth } from "./routes/health.ts";
import { registerHistoricalFeatures } from "./routes/historical-features.ts";
import { registerInference } from "./routes/inference.ts";
import { registerMaterialize, registerMaterializeJobs } from "./routes/materialize.ts";
import { registerMetrics } from "./routes/metrics.ts";
import { registerModels } from "./routes/models.ts";
import { registerOpenApi } from "./routes/openapi.ts";
import { registerPredict } from "./routes/predict.ts";
import { registerPush } from "./routes/push.ts";
import { registerStrictFeast } from "./routes/strict-feast.ts";
import { registerWriteToOnlineStore } from "./routes/write-to-online-store.ts";
import type { ServedLog } from "./served-log/served-log.ts";
import type { ServingContext } from "./serving-context.ts";
import { createTlsServer, type TlsFiles } from "./tls.ts";

/** What a server is made of. The caller opened them and closes them, after the app. */
export interface AppParts {
  readonly definitions: Definitions;
  readonly store: OnlineStore;
  readonly models: ModelRegistry;
  readonly clock: Clock;
  /** What `/materialize` runs; without it these routes refuse. */
  readonly materialize?: MaterializeFunction;
  /** What `/historical-features` runs; without it the route refuses. */
  readonly historical?: HistoricalFunction;
  /** Whose rows a request is for that names no tenant. Default `default`. */
  readonly tenant?: string;
  /** Who may ask. Needed where `server.auth` names keys or tokens: an app that could not tell is not built. */
  readonly authenticator?: Authenticator;
  /** HTTPS in place of HTTP. */
  readonly tls?: TlsFiles;
  /** Where failures of ours are logged; silent when absent. */
  readonly logger?: FastifyBaseLogger;
  /** Aborted when the process was told to stop: `/readyz` turns 503 and answers say `connection: close`, while requests are still answered. */
  readonly stopping?: AbortSignal;
  /** The other processes of this port, whose metrics `/metrics` answers, too. */
  readonly peers?: MetricsPeers;
  /** Keeps what predictions were made of. */
  readonly servedLog?: ServedLog;
}

/** How often Node looks for connections that overran their time, in milliseconds: limits are kept to within this. */
const TIMEOUT_CHECK_MS = 1000;

/** Longest name in a path, in characters once decoded: a tenant has up to 200 bytes, and longer names shall be answered as unknown ones. */
const MAX_PARAMETER_LENGTH = 1024;

/** Builds the HTTP app of the contract. It does not listen; `app.close()` finishes the requests under way. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { definitions, store, models, clock, materialize, tenant = "default", logger, stopping } = parts;
  const { authenticator, tls } = parts;
  const { server } = definitions;
  refuseOpenDoors(parts);
  const metrics = new ServingMetrics(definitions.project);
  const app = fastify<Server>({
    // Fastify would make a logger for every request; requestLog makes one where there is something to log.
    logger: false,
    logController: new LogController({ disableRequestLogging: true }),
    // What arrives while the app closes is answered as ever: see registerConnections.
    return503OnClosing: false,
    bodyLimit: server.bodyLimitBytes,
    requestTimeout: server.requestTimeoutMs,
    http: nodeLimits(server),
    ...(tls === undefined
      ? {}
      : { serverFactory: (handler: RequestListener) => createTlsServer(tls, nodeLimits(server), handler) }),
    clientErrorHandler: clientErrorHandler(metrics),
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply, metrics),
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    genReqId: (request) => requestId(request.headers[REQUEST_ID_HEADER]),
  });
  app.decorate("ownLog", logger ?? app.log);
  // With callbacks: a promise per hook and request would be made for nothing.
  app.addHook("onRequest", (request, reply, done) => {
    reply.header(REQUEST_ID_HEADER, request.id);
    done();
  });
  app.addHook("onClose", async () => metrics.close());
  registerObservers(app, { definitions, metrics, clock });
  registerConnections(app, stopping);
  registerErrors(app, metrics);
  registerJsonBody(app, server);

  const context: ServingContext = {
    definitions,
    tenant,
    store,
    clock,
    reads: new CompiledReads(definitions),
    models,
    metrics,
    servedLog: parts.servedLog,
  };
  if (parts.servedLog !== undefined) watchServedLog(metrics.registry, parts.servedLog);
  metrics.watchModelThreads(() => models.use());
  registerAdmission(app, context, authenticator);
  const jobs = new MaterializeJobs(materialize, clock);
  if (server.strictFeast) {
    registerStrictFeast(app, context, jobs, "");
  } else {
    registerGetOnlineFeatures(app, context);
    registerPush(app, context);
    registerWriteToOnlineStore(app, context);
    registerMaterialize(app, context, jobs);
    registerFeastHealth(app);
  }
  registerStrictFeast(app, context, jobs, FEAST_PREFIX);
  registerDeleteFromOnlineStore(app, context);
  registerMaterializeJobs(app, context, jobs);
  await registerHistoricalFeatures(app, context, parts.historical);
  registerPredict(app, context);
  registerModels(app, context);
  await registerInference(app, context, stopping);
  registerHealth(app, context, stopping);
  registerMetrics(app, context, parts.peers);
  registerOpenApi(app, context);
  await app.ready();
  return app;
}

/** Node's own limits. */
function nodeLimits(server: ServerConfig) {
  return {
    maxHeaderSize: server.headerLimitBytes,
    headersTimeout: server.headersTimeoutMs,
    requestTimeout: server.requestTimeoutMs,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  };
}

/** A server that was to ask for credentials, or to speak TLS, must not come up without by a mistake of who builds it. */
function refuseOpenDoors({ definitions: { server }, authenticator, tls }: AppParts): void {
  if (
    (typeof server.auth === "object") === (authenticator !== undefined) &&
    (server.tls !== undefined) === (tls !== undefined)
  )
    return;
  throw new LarderError("INTERNAL", {
    what: "The server's definitions and its parts differ on authentication or TLS",
    remedy: "Open server.auth with openAuthenticator and server.tls with readTlsFiles, and give both to buildApp",
  });
}
