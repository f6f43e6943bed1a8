import type { TSchema } from "typebox";
import { GetOnlineFeaturesAnswer, GetOnlineFeaturesQuery, GetOnlineFeaturesRequest } from "./get-online-features.ts";
import { ARROW_STREAM_MEDIA_TYPE, JSON_MEDIA_TYPE, PARQUET_MEDIA_TYPE, TENANT_PREFIX } from "./headers.ts";
import { LivezAnswer, ReadyzAnswer } from "./health.ts";
import { HistoricalFeaturesQuery, HistoricalFeaturesRequest } from "./historical-features.ts";
import { InferenceAnswer, InferenceLive, InferenceReady, InferenceRequest, InferenceServer } from "./inference.ts";
import {
  MaterializeAccepted,
  MaterializeAnswer,
  MaterializeIncrementalRequest,
  MaterializeJob,
  MaterializeQuery,
  MaterializeRequest,
} from "./materialize.ts";
import {
  ListedModel,
  ModelLoadRequest,
  ModelMetadataAnswer,
  ModelNamesAnswer,
  ModelReadyAnswer,
  ModelsAnswer,
  ModelUnloadRequest,
  RepositoryIndexAnswer,
  RepositoryIndexRequest,
} from "./models.ts";
import { FlatPredictAnswer, FlatPredictRequest, PredictAnswer, PredictRequest } from "./predict.ts";
import {
  StrictFeaturesAnswer,
  StrictFeaturesRequest,
  StrictMaterializeAccepted,
  StrictMaterializeIncrementalRequest,
  StrictMaterializeQuery,
  StrictMaterializeRequest,
  StrictPushRequest,
  StrictWriteAnswer,
  StrictWriteRequest,
} from "./strict-feast.ts";
import { DeleteRequest, PushRequest, WriteAnswer, WriteRequest } from "./write.ts";

/** How a route words its errors: Feast's string in a string, what Feast's own server says, the Open Inference Protocol's object, or RFC 9457. */
export type ErrorStyle = "feast" | "strict" | "inference" | "problem";

/** What a credential may be good for. None holds another: a caller that reads and writes needs both. */
export const SCOPES = ["read", "write", "predict", "historical", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Who may call a route of a server that asks for credentials: holders of a scope, of any valid credential, or everybody. */
export type Access = Scope | "authenticated" | "open";

/** One route of the contract. */
export interface RouteContract {
  readonly method: "GET" | "POST";
  /** As OpenAPI writes it: `/models/{model}/predict`. */
  readonly path: string;
  readonly summary: string;
  readonly errors: ErrorStyle;
  /** Several schemas are alternatives. */
  readonly body?: readonly TSchema[];
  /** Media type of another form that the body may have. */
  readonly bodyMedia?: string;
  /** The body may be left out. */
  readonly bodyOptional?: true;
  readonly query?: TSchema;
  /** Body of a 200; several are alternatives, none is an empty or plain-text body. */
  readonly answer: readonly TSchema[];
  /** Body of a 202, where the route has one. */
  readonly accepted?: TSchema;
  /** Media type of an answer that is not described by a schema. */
  readonly media?: string;
  /** Body of a 503 that is an answer, not an error. */
  readonly unready?: TSchema;
  /** Needs a tenant, and so takes the tenant header, and the path prefix instead. */
  readonly tenant: boolean;
  readonly access: Access;
}

/** The paths of a route: its own, and for a tenant's route the one that names the tenant. */
export function pathsOf({ path, tenant }: RouteContract): readonly string[] {
  return tenant ? [path, `${TENANT_PREFIX}${path}`] : [path];
}

/** Every route that serving answers, by name. */
export const ROUTES = {
  getOnlineFeatures: {
    method: "POST",
    path: "/get-online-features",
    summary: "Features of entities, column by column",
    errors: "feast",
    body: [GetOnlineFeaturesRequest],
    query: GetOnlineFeaturesQuery,
    answer: [GetOnlineFeaturesAnswer],
    tenant: true,
    access: "read",
  },
  push: {
    method: "POST",
    path: "/push",
    summary: "Write rows to every view of a push source",
    errors: "feast",
    body: [PushRequest],
    answer: [WriteAnswer],
    tenant: true,
    access: "write",
  },
  writeToOnlineStore: {
    method: "POST",
    path: "/write-to-online-store",
    summary: "Write rows to one feature view",
    errors: "feast",
    body: [WriteRequest],
    answer: [WriteAnswer],
    tenant: true,
    access: "write",
  },
  deleteFromOnlineStore: {
    method: "POST",
    path: "/delete-from-online-store",
    summary: "Delete entities of one feature view as of an event time",
    errors: "problem",
    body: [DeleteRequest],
    answer: [WriteAnswer],
    tenant: true,
    access: "write",
  },
  historicalFeatures: {
    method: "POST",
    path: "/historical-features",
    summary: "Features as they were known at each entity row's time, as an Arrow IPC stream",
    errors: "problem",
    body: [HistoricalFeaturesRequest],
    bodyMedia: PARQUET_MEDIA_TYPE,
    query: HistoricalFeaturesQuery,
    answer: [],
    media: ARROW_STREAM_MEDIA_TYPE,
    tenant: true,
    access: "historical",
  },
  materialize: {
    method: "POST",
    path: "/materialize",
    summary: "Load the latest rows of a window from the offline store",
    errors: "feast",
    body: [MaterializeRequest],
    query: MaterializeQuery,
    answer: [MaterializeAnswer],
    accepted: MaterializeAccepted,
    tenant: true,
    access: "admin",
  },
  materializeIncremental: {
    method: "POST",
    path: "/materialize-incremental",
    summary: "Load what came since the last run from the offline store",
    errors: "feast",
    body: [MaterializeIncrementalRequest],
    query: MaterializeQuery,
    answer: [MaterializeAnswer],
    accepted: MaterializeAccepted,
    tenant: true,
    access: "admin",
  },
  materializeJob: {
    method: "GET",
    path: "/materialize/jobs/{id}",
    summary: "How far a job has come, and what became of it",
    errors: "problem",
    answer: [MaterializeJob],
    tenant: true,
    access: "admin",
  },
  predict: {
    method: "POST",
    path: "/predict",
    summary: "Predict with the first model of the file",
    errors: "problem",
    body: [PredictRequest, FlatPredictRequest],
    answer: [PredictAnswer, FlatPredictAnswer],
    tenant: true,
    access: "predict",
  },
  predictWithModel: {
    method: "POST",
    path: "/models/{model}/predict",
    summary: "Predict with a model",
    errors: "problem",
    body: [PredictRequest, FlatPredictRequest],
    answer: [PredictAnswer, FlatPredictAnswer],
    tenant: true,
    access: "predict",
  },
  predictWithVersion: {
    method: "POST",
    path: "/models/{model}/versions/{version}/predict",
    summary: "Predict with a version of a model",
    errors: "problem",
    body: [PredictRequest, FlatPredictRequest],
    answer: [PredictAnswer, FlatPredictAnswer],
    tenant: true,
    access: "predict",
  },
  listModels: {
    method: "GET",
    path: "/models",
    summary: "The models, their versions, and what these were trained on",
    errors: "problem",
    answer: [ModelsAnswer],
    tenant: false,
    access: "predict",
  },
  modelNames: {
    method: "GET",
    path: "/v2/models",
    summary: "The models by name, and the states of their versions",
    errors: "inference",
    answer: [ModelNamesAnswer],
    tenant: false,
    access: "predict",
  },
  modelMetadata: {
    method: "GET",
    path: "/v2/models/{model}",
    summary: "What a model's current version takes and answers, tensor by tensor",
    errors: "inference",
    answer: [ModelMetadataAnswer],
    tenant: false,
    access: "predict",
  },
  versionMetadata: {
    method: "GET",
    path: "/v2/models/{model}/versions/{version}",
    summary: "What a version of a model takes and answers",
    errors: "inference",
    answer: [ModelMetadataAnswer],
    tenant: false,
    access: "predict",
  },
  modelReady: {
    method: "GET",
    path: "/v2/models/{model}/ready",
    summary: "The model can predict",
    errors: "inference",
    answer: [ModelReadyAnswer],
    tenant: false,
    access: "predict",
  },
  versionReady: {
    method: "GET",
    path: "/v2/models/{model}/versions/{version}/ready",
    summary: "The version of the model can predict",
    errors: "inference",
    answer: [ModelReadyAnswer],
    tenant: false,
    access: "predict",
  },
  repositoryIndex: {
    method: "POST",
    path: "/v2/repository/index",
    summary: "The versions of all models, and their states",
    errors: "inference",
    body: [RepositoryIndexRequest],
    bodyOptional: true,
    answer: [RepositoryIndexAnswer],
    tenant: false,
    access: "predict",
  },
  loadModel: {
    method: "POST",
    path: "/v2/repository/models/{model}/load",
    summary: "Load what is new of a model's files, or a model that was unloaded",
    errors: "inference",
    body: [ModelLoadRequest],
    bodyOptional: true,
    answer: [ListedModel],
    tenant: false,
    access: "admin",
  },
  unloadModel: {
    method: "POST",
    path: "/v2/repository/models/{model}/unload",
    summary: "Stop serving a model until it is loaded again",
    errors: "inference",
    body: [ModelUnloadRequest],
    bodyOptional: true,
    answer: [ListedModel],
    tenant: false,
    access: "admin",
  },
  infer: {
    method: "POST",
    path: "/v2/models/{model}/infer",
    summary: "Run a model on tensors (Open Inference Protocol)",
    errors: "inference",
    body: [InferenceRequest],
    answer: [InferenceAnswer],
    tenant: true,
    access: "predict",
  },
  inferWithVersion: {
    method: "POST",
    path: "/v2/models/{model}/versions/{version}/infer",
    summary: "Run one version of a model on tensors (Open Inference Protocol)",
    errors: "inference",
    body: [InferenceRequest],
    answer: [InferenceAnswer],
    tenant: true,
    access: "predict",
  },
  inferenceServer: {
    method: "GET",
    path: "/v2",
    summary: "Name, version and extensions of the server (Open Inference Protocol)",
    errors: "inference",
    answer: [InferenceServer],
    tenant: false,
    access: "authenticated",
  },
  inferenceLive: {
    method: "GET",
    path: "/v2/health/live",
    summary: "The process answers (Open Inference Protocol)",
    errors: "inference",
    answer: [InferenceLive],
    tenant: false,
    access: "open",
  },
  inferenceReady: {
    method: "GET",
    path: "/v2/health/ready",
    summary: "Every model can be asked (Open Inference Protocol)",
    errors: "inference",
    answer: [InferenceReady],
    unready: InferenceReady,
    tenant: false,
    access: "open",
  },
  livez: {
    method: "GET",
    path: "/livez",
    summary: "The process answers",
    errors: "problem",
    answer: [LivezAnswer],
    tenant: false,
    access: "open",
  },
  readyz: {
    method: "GET",
    path: "/readyz",
    summary: "The process can serve: store reachable, models loaded",
    errors: "problem",
    answer: [ReadyzAnswer],
    unready: ReadyzAnswer,
    tenant: false,
    access: "open",
  },
  health: {
    method: "GET",
    path: "/health",
    summary: "Feast's health check: 200 with an empty body",
    errors: "feast",
    answer: [],
    tenant: false,
    access: "open",
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    summary: "Metrics in Prometheus text form",
    errors: "problem",
    answer: [],
    media: "text/plain",
    tenant: false,
    access: "admin",
  },
  openapi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This contract as OpenAPI 3.1, with the names and types of the definitions",
    errors: "problem",
    answer: [],
    media: JSON_MEDIA_TYPE,
    tenant: false,
    access: "authenticated",
  },
  docs: {
    method: "GET",
    path: "/docs",
    summary: "The routes as a page for people",
    errors: "problem",
    answer: [],
    media: "text/html",
    tenant: false,
    access: "authenticated",
  },
} as const satisfies Record<string, RouteContract>;

/** Feast's routes as Feast's own server serves them, always below this path. */
export const FEAST_PREFIX = "/feast";

/** Feast's routes, strictly; their paths are relative to {@link FEAST_PREFIX}. */
export const STRICT_ROUTES = {
  getOnlineFeatures: {
    method: "POST",
    path: "/get-online-features",
    summary: "Features of entities, as Feast's server answers",
    errors: "strict",
    body: [StrictFeaturesRequest],
    answer: [StrictFeaturesAnswer],
    tenant: true,
  },
  push: {
    method: "POST",
    path: "/push",
    summary: "Write rows to every view of a push source, as Feast's server takes them",
    errors: "strict",
    body: [StrictPushRequest],
    answer: [],
    tenant: true,
  },
  writeToOnlineStore: {
    method: "POST",
    path: "/write-to-online-store",
    summary: "Write rows to one feature view, as Feast's server takes them",
    errors: "strict",
    body: [StrictWriteRequest],
    answer: [StrictWriteAnswer],
    tenant: true,
  },
  materialize: {
    method: "POST",
    path: "/materialize",
    summary: "Load the latest rows of a window from the offline store, as Feast's server does",
    errors: "strict",
    body: [StrictMaterializeRequest],
    query: StrictMaterializeQuery,
    answer: [MaterializeAnswer],
    accepted: StrictMaterializeAccepted,
    tenant: true,
  },
  materializeIncremental: {
    method: "POST",
    path: "/materialize-incremental",
    summary: "Load what came since the last run from the offline store, as Feast's server does",
    errors: "strict",
    body: [StrictMaterializeIncrementalRequest],
    query: StrictMaterializeQuery,
    answer: [MaterializeAnswer],
    accepted: StrictMaterializeAccepted,
    tenant: true,
  },
  health: {
    method: "GET",
    path: "/health",
    summary: "Feast's health check: 200 with an empty body",
    errors: "strict",
    answer: [],
    tenant: false,
  },
} as const satisfies Partial<Record<keyof typeof ROUTES, Omit<RouteContract, "access">>>;

/** A strict route at its path below a prefix, for whom Larder's own is; an empty prefix puts it in the place of that. */
export function strictRoute(name: keyof typeof STRICT_ROUTES, prefix: string): RouteContract {
  return { ...STRICT_ROUTES[name], access: ROUTES[name].access, path: prefix + STRICT_ROUTES[name].path };
}

/** Every route of a server by its operation id. `strictFeast`: Feast's routes are strict at their own paths, too. */
export function servedRoutes({
  strictFeast,
}: {
  readonly strictFeast: boolean;
}): Readonly<Record<string, RouteContract>> {
  const routes: Record<string, RouteContract> = { ...ROUTES };
  for (const name of Object.keys(STRICT_ROUTES) as (keyof typeof STRICT_ROUTES)[]) {
    if (strictFeast) routes[name] = strictRoute(name, "");
    routes[`${name}OfFeast`] = strictRoute(name, FEAST_PREFIX);
  }
  return routes;
}
