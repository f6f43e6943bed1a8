import { LarderError, type ModelDefinition, type Problem } from "@larder/schema";
import type { Tensor, TensorSpec } from "./model-runner.ts";

/** The runtime's advice for outputs that classic converters make. */
const ZIPMAP = "Export the classifier without ZipMap (skl2onnx: options={'zipmap': False}; onnxmltools: zipmap=False)";

/** Checks that the file has the output a model's `prediction` names, as far as the file says. */
export function checkOutput(model: ModelDefinition, specs: readonly TensorSpec[], problems: Problem[]): void {
  const { output, index } = model.prediction;
  const spec = specs.find((each) => each.name === output);
  const tensors = specs.filter((each) => each.type !== undefined).map((each) => each.name);
  if (spec === undefined) {
    const remedy = `Set prediction.output to one of: ${specs.map((each) => each.name).join(", ")}`;
    problems.push(problem(output, "the model has no such output", remedy));
    return;
  }
  if (spec.type === undefined) {
    const others = tensors.length === 0 ? "" : `, or use ${tensors.join(", ")}`;
    problems.push(problem(output, "it is a sequence or map, not a tensor", `${ZIPMAP}${others}`));
    return;
  }
  if (spec.shape === undefined) return;
  const reason = misfit(spec.shape, index);
  if (reason !== undefined) problems.push(problem(output, reason.what, reason.remedy));
}

/**
 * Where the prediction of row i stands in an output: `data[i * stride + index]`.
 * @throws MODEL_FAILED when the output is not one value, or one row of values, per row
 */
export function outputLayout(model: ModelDefinition, tensor: Tensor, rows: number): { stride: number; index: number } {
  const reason = misfit(tensor.dims, model.prediction.index);
  if (reason !== undefined || tensor.dims[0] !== rows) {
    throw new LarderError("MODEL_FAILED", {
      what: `Model "${model.name}" answered ${tensor.dims.join(" x ")} values as "${model.prediction.output}" for ${rows} rows`,
      remedy: reason?.remedy ?? "Export the model with the batch as the output's first dimension",
      facts: { model: model.name, output: model.prediction.output },
    });
  }
  return { stride: tensor.dims[1] ?? 1, index: model.prediction.index ?? 0 };
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
  if (width === undefined) return undefined;
  if (index === undefined && width !== 1) {
    return { what: `its shape is ${text}`, remedy: `Say which column in prediction.index, 0 to ${width - 1}` };
  }
  if (index !== undefined && index >= width) {
    return {
      what: `its shape is ${text} and prediction.index is ${index}`,
      remedy: `Use an index from 0 to ${width - 1}`,
    };
  }
  return undefined;
}

function problem(output: string, what: string, remedy: string): Problem {
  return { place: `output ${output}`, field: "prediction.output", what: `Output "${output}": ${what}`, remedy };
}
