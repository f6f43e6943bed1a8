export { type AppParts, buildApp } from "./app.ts";
export { openAuthenticator } from "./auth/authenticator.ts";
export type { Authenticator, AuthenticatorParts, Credential } from "./auth/credential.ts";
export { createApiKey, type KeyWish, listApiKeys, revokeApiKey } from "./auth/key-file.ts";
export type {
  MaterializedCounts,
  MaterializeFunction,
  MaterializeOutcome,
  MaterializeRun,
} from "./materialize/materialize-function.ts";
export type { MetricsPeers, MetricsSnapshot, PeerMetrics } from "./metrics/metrics-peers.ts";
export { STAGES } from "./metrics/stage-times.ts";
export { type LoadedModel, loadModels, type ModelSet } from "./model/load-models.ts";
export type { ModelRunner, Tensor, TensorData, TensorSpec, TensorType } from "./model/model-runner.ts";
export { type ServedRequest, servedRequests } from "./plugins/observers.ts";
export { readTlsFiles, type TlsFiles } from "./tls.ts";
