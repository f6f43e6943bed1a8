export { type AppParts, buildApp } from "./app.ts";
export { openAuthenticator } from "./auth/authenticator.ts";
export type { Authenticator, AuthenticatorParts, Credential } from "./auth/credential.ts";
export { createApiKey, type KeyWish, listApiKeys, revokeApiKey } from "./auth/key-file.ts";
export type { HistoricalFunction, HistoricalRun } from "./historical/historical-function.ts";
export type {
  MaterializedCounts,
  MaterializeFunction,
  MaterializeOutcome,
  MaterializeRun,
} from "./materialize/materialize-function.ts";
export type { MetricsPeers, MetricsSnapshot, PeerMetrics } from "./metrics/metrics-peers.ts";
export { STAGES } from "./metrics/stage-times.ts";
export type { LoadedModel } from "./model/load-model.ts";
export { runOf } from "./model/mlflow-folder.ts";
export { findFiles, locateVersions, type ModelFiles, type VersionPlace } from "./model/model-files.ts";
export { MODEL_RECORD_FORMAT, type ModelRecord, readModelRecord } from "./model/model-record.ts";
export type { ModelRunner, Tensor, TensorData, TensorSpec, TensorType } from "./model/model-runner.ts";
export { type ServedRequest, servedRequests } from "./plugins/observers.ts";
export { loadModels, type ModelRegistry, type ModelRegistryOptions } from "./registry/model-registry.ts";
export type { ModelEvent, ModelState, VersionState } from "./registry/model-state.ts";
export type { ModelLease } from "./registry/served-version.ts";
export { openServedLog, type ServedLogParts } from "./served-log/open-served-log.ts";
export type { ServedLog, ServedLogUse } from "./served-log/served-log.ts";
export { createTlsServer, readTlsFiles, type TlsFiles } from "./tls.ts";
