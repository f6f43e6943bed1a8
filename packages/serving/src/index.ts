export { type AppParts, buildApp } from "./app.ts";
export { type LoadedModel, loadModels, type ModelSet } from "./model/load-models.ts";
export type { ModelRunner, Tensor, TensorData, TensorSpec, TensorType } from "./model/model-runner.ts";
