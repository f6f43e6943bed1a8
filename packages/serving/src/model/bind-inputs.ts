import type { FeatureRef, ModelDefinition, OnMissing, Problem } from "@larder/schema";
import { isListType } from "@larder/schema";
import { createTensorData, feedableTypes, feedRule, storeValue } from "./feed-table.ts";
import { TENSOR_TYPES, type TensorSpec, type TensorType } from "./model-runner.ts";

/** One model input and the features that feed it, side by side. */
export interface InputBinding {
  readonly name: string;
  readonly type: TensorType;
  readonly features: readonly FeatureRef[];
  /** 1 for an input [n], 2 for [n, k]. */
  readonly rank: 1 | 2;
}

/** What `on_missing` says for a feature of a model. */
export function onMissingOf(model: ModelDefinition, ref: FeatureRef): OnMissing {
  return model.onMissingByFeature.get(featureName(ref)) ?? model.onMissing;
}

/** A feature as the yaml writes it: `view:feature`. */
export function featureName(ref: FeatureRef): string {
  return `${ref.viewName}:${ref.feature.name}`;
}

/**
 * Finds the features of every input of a model's file: what `inputs` says, else the feature of the input's name, else (an only input) the
 * service's features in order. Everything that does not fit goes to `problems`.
 */
export function bindInputs(
  model: ModelDefinition,
  specs: readonly TensorSpec[],
  problems: Problem[],
): readonly InputBinding[] {
  const known = new Set(specs.map((spec) => spec.name));
  for (const name of model.inputs.keys()) {
    if (known.has(name)) continue;
    problems.push(
      problem(name, `the yaml feeds an input "${name}" that the model does not have`, `Use one of: ${list(known)}`),
    );
  }
  const bindings: InputBinding[] = [];
  for (const spec of specs) {
    const binding = bindInput(model, spec, specs.length === 1, problems);
    if (binding !== undefined) bindings.push(binding);
  }
  return bindings;
}

function bindInput(
  model: ModelDefinition,
  spec: TensorSpec,
  only: boolean,
  problems: Problem[],
): InputBinding | undefined {
  const { name, shape } = spec;
  const type = TENSOR_TYPES.find((each) => each === spec.type);
  if (type === undefined) {
    const found = spec.type ?? "no tensor";
    problems.push(problem(name, `its type is ${found}`, `Export the model with an input of ${list(TENSOR_TYPES)}`));
    return undefined;
  }
  if (shape !== undefined && (shape.length > 2 || shape[0] !== undefined)) {
    problems.push(
      problem(name, `its shape is ${describe(shape)}`, "Export the model with inputs [n], [n, 1] or [n, k], n free"),
    );
    return undefined;
  }
  const features = featuresOf(model, spec, only);
  if (features === undefined) {
    problems.push(
      problem(
        name,
        `no feature feeds it: feature service "${model.featureService.name}" has no feature "${name}"`,
        `Name its feature under inputs of the model; the service has ${list(model.featureService.features.map(featureName))}`,
      ),
    );
    return undefined;
  }
  const width = shape === undefined ? features.length : shape.length === 1 ? 1 : (shape[1] ?? features.length);
  if (width !== features.length) {
    problems.push(
      problem(
        name,
        `it takes ${width} features and is fed ${features.length} (${list(features.map(featureName))})`,
        "List as many features as the input is wide",
      ),
    );
    return undefined;
  }
  for (const ref of features) checkFeature(model, name, type, ref, problems);
  return { name, type, features, rank: shape?.length === 1 ? 1 : 2 };
}

function featuresOf(model: ModelDefinition, spec: TensorSpec, only: boolean): readonly FeatureRef[] | undefined {
  const named = model.inputs.get(spec.name);
  if (named !== undefined) return named.features;
  const all = model.featureService.features;
  const same = all.filter((ref) => ref.feature.name === spec.name);
  const width = spec.shape?.length === 2 ? (spec.shape[1] ?? all.length) : 1;
  if (same.length === 1 && (!only || width === 1 || all.length === 1)) return same;
  return only && all.length > 0 ? all : undefined;
}

function checkFeature(
  model: ModelDefinition,
  input: string,
  type: TensorType,
  ref: FeatureRef,
  problems: Problem[],
): void {
  const found = ref.feature.type;
  const feature = featureName(ref);
  if (isListType(found) || feedRule(type, found) === undefined) {
    const advice =
      type === "float32" && found === "float64"
        ? "Declare the feature float32, or export the model with a float64 input: rounding silently is refused"
        : `Feed it a feature of type ${list(feedableTypes(type))}`;
    problems.push(problem(input, `it expects ${type} and ${feature} is ${found}`, advice));
    return;
  }
  const { default: substitute } = ref.feature;
  if (substitute != null && !storeValue(createTensorData(type, 1), 0, substitute)) {
    const what = `it is ${type}, which cannot hold the default of ${feature} exactly`;
    problems.push(problem(input, what, "Choose another default, or export the model with a wider input"));
  }
  const floats = type === "float32" || type === "float64";
  if (onMissingOf(model, ref) === "nan" && !floats) {
    problems.push(
      problem(
        input,
        `on_missing of ${feature} is nan, which a ${type} input cannot hold`,
        "Say reject or default for it",
      ),
    );
  }
}

function problem(input: string, what: string, remedy: string): Problem {
  return { place: `input ${input}`, field: input, what: `Input "${input}": ${what}`, remedy };
}

function describe(shape: readonly (number | undefined)[]): string {
  return `[${shape.map((size) => size ?? "n").join(", ")}]`;
}

function list(names: Iterable<string>): string {
  const all = [...names];
  return all.length > 25 ? `${all.slice(0, 25).join(", ")} and ${all.length - 25} more` : all.join(", ");
}
