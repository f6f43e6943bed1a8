export { type AppParts, buildApp } from "./app.ts";
export type {
  MaterializedCounts,
  MaterializeFunction,
  MaterializeOutcome,
  MaterializeRun,
} from "./materialize/materialize-function.ts";
export { type LoadedModel, loadModels, type ModelSet } from "./model/load-models.ts";
export type { ModelRunner, Tensor, TensorData, TensorSpec, TensorType } from "./model/model-runner.ts";
