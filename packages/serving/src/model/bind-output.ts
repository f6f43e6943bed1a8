import { LarderError, type ModelDefinition, type PredictionDefinition, type Problem } from "@larder/schema";
import type { Tensor, TensorSpec } from "./model-runner.ts";

/** Where one prediction stands in its output: for row i from `data[i * stride + index]` on. */
export interface OutputBinding {
  readonly prediction: PredictionDefinition;
  /** Position among the outputs that a run is asked for; see {@link outputNames}. */
  readonly position: number;
  readonly stride: number;
  readonly index: number;
  /** Elements of a vector; undefined for a scalar. */
  readonly width: number | undefined;
}

/** ZipMaps of the graph itself have been taken out when the file was loaded; what is left is inside a branch or of another kind. */
const TENSORS =
  "Export the model with tensors as outputs (a classifier: skl2onnx options={'zipmap': False}; onnxmltools zipmap=False)";

/** The outputs that a model's predictions need, each once. */
export function outputNames({ predictions }: ModelDefinition): readonly string[] {
  return [...new Set(predictions.map(({ output }) => output))];
}

/** Checks that the file has the outputs a model's predictions name, as far as the file says. */
export function checkOutputs(model: ModelDefinition, specs: readonly TensorSpec[], problems: Problem[]): void {
  for (const prediction of model.predictions) checkOutput(prediction, specs, problems);
}

/**
 * Finds every prediction in the outputs of a first run, in the order of {@link outputNames}.
 * @throws MODEL_FAILED when an output is not one value, or one row of values, per row
 */
export function bindOutputs(
  model: ModelDefinition,
  tensors: readonly Tensor[],
  rows: number,
): readonly OutputBinding[] {
  const names = outputNames(model);
  return model.predictions.map((prediction) => {
    const position = names.indexOf(prediction.output);
    const { dims } = tensors[position] as Tensor;
    const reason = misfit(dims, prediction.index);
    if (reason !== undefined || dims[0] !== rows)
      throw wrongShape(model, prediction.output, dims, rows, reason?.remedy);
    const stride = dims[1] ?? 1;
    const width = prediction.index === undefined && stride !== 1 ? stride : undefined;
    return { prediction, position, stride, index: prediction.index ?? 0, width };
  });
}

/**
 * Checks that a run answered in the shape of the first one: a prediction is a number today and tomorrow, or a list of the same length.
 * @throws MODEL_FAILED
 */
export function checkShape(model: ModelDefinition, binding: OutputBinding, tensor: Tensor, rows: number): void {
  const { dims } = tensor;
  if (dims[0] === rows && dims.length <= 2 && (dims[1] ?? 1) === binding.stride) return;
  throw wrongShape(model, binding.prediction.output, dims, rows, undefined);
}

function checkOutput({ output, index }: PredictionDefinition, specs: readonly TensorSpec[], problems: Problem[]): void {
  const spec = specs.find((each) => each.name === output);
  const tensors = specs.filter((each) => each.type !== undefined).map((each) => each.name);
  if (spec === undefined) {
    const remedy = `Set prediction.output to one of: ${specs.map((each) => each.name).join(", ")}`;
    problems.push(problem(output, "the model has no such output", remedy));
    return;
  }
  if (spec.type === undefined) {
    const others = tensors.length === 0 ? "" : `, or use ${tensors.join(", ")}`;
    problems.push(problem(output, "it is a sequence or map, not a tensor", `${TENSORS}${others}`));
    return;
  }
  if (spec.shape === undefined) return;
  const reason = misfit(spec.shape, index);
  if (reason !== undefined) problems.push(problem(output, reason.what, reason.remedy));
}

function wrongShape(
  model: ModelDefinition,
  output: string,
  dims: readonly number[],
  rows: number,
  remedy = "Export the model with the batch as the output's first dimension, and with a second one that does not change",
): LarderError {
  return new LarderError("MODEL_FAILED", {
    what: `Model "${model.name}" answered ${dims.join(" x ")} values as "${output}" for ${rows} rows`,
    remedy,
    facts: { model: model.name, output },
  });
}

function misfit(
  shape: readonly (number | undefined)[],
  index: number | undefined,
): { what: string; remedy: string } | undefined {
  const text = `[${shape.map((size) => size ?? "n").join(", ")}]`;
  if (shape.length === 0 || shape.length > 2) {
    return { what: `its shape is ${text}`, remedy: "Use an output of shape [n] or [n, k]" };
  }
  const width = shape.length === 1 ? 1 : shape[1];
  if (width === undefined || index === undefined || index < width) return undefined;
  return {
    what: `its shape is ${text} and prediction.index is ${index}`,
    remedy: `Use an index from 0 to ${width - 1}`,
  };
}

function problem(output: string, what: string, remedy: string): Problem {
  return { place: `output ${output}`, field: "prediction.output", what: `Output "${output}": ${what}`, remedy };
}
