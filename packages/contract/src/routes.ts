import type { TSchema } from "typebox";
import { GetOnlineFeaturesAnswer, GetOnlineFeaturesQuery, GetOnlineFeaturesRequest } from "./get-online-features.ts";
import { LivezAnswer, ReadyzAnswer } from "./health.ts";
import {
  MaterializeAccepted,
  MaterializeAnswer,
  MaterializeIncrementalRequest,
  MaterializeJob,
  MaterializeQuery,
  MaterializeRequest,
} from "./materialize.ts";
import { FlatPredictAnswer, FlatPredictRequest, PredictAnswer, PredictRequest } from "./predict.ts";
import { DeleteRequest, PushRequest, WriteAnswer, WriteRequest } from "./write.ts";

/** How a route words its errors: Feast's string in a string, or RFC 9457. */
export type ErrorStyle = "feast" | "problem";

/** What a credential may be good for. None holds another: a caller that reads and writes needs both. */
export const SCOPES = ["read", "write", "predict", "admin"] as const;
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
  readonly query?: TSchema;
  /** Body of a 200; several are alternatives, none is an empty or plain-text body. */
  readonly answer: readonly TSchema[];
  /** Body of a 202, where the route has one. */
  readonly accepted?: TSchema;
  /** Needs a tenant, and so takes the tenant header. */
  readonly tenant: boolean;
  readonly access: Access;
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
    tenant: false,
    access: "admin",
  },
  openapi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This contract as OpenAPI 3.1",
    errors: "problem",
    answer: [],
    tenant: false,
    access: "authenticated",
  },
} as const satisfies Record<string, RouteContract>;
