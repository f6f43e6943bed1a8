import {
  type FeatureRef,
  type FeatureValue,
  isListType,
  type ModelDefinition,
  type ModelFeature,
  type OnMissing,
  type Problem,
  type ValueType,
} from "@larder/schema";
import { createTensorData, feedableTypes, feedRule, storeFeature } from "./feed-table.ts";
import { TENSOR_TYPES, type TensorSpec, type TensorType } from "./model-runner.ts";

/** One model input and the features that feed it, side by side. */
export interface InputBinding {
  readonly name: string;
  readonly type: TensorType;
  readonly slots: readonly InputSlot[];
  /** Elements per row. */
  readonly width: number;
  /** 1 for an input [n], 2 for [n, k]. */
  readonly rank: 1 | 2;
}

/** One feature's elements inside a row of an input. */
export interface InputSlot {
  readonly feature: ModelFeature;
  readonly offset: number;
  /** 1 for a scalar; what is left of the input's width for a list. */
  readonly width: number;
}

/** What `on_missing` says for a feature of a model. */
export function onMissingOf(model: ModelDefinition, ref: FeatureRef): OnMissing {
  return model.onMissingByFeature.get(featureName(ref)) ?? model.onMissing;
}

/** A feature as the yaml writes it: `view:feature`. */
export function featureName(ref: FeatureRef): string {
  return `${ref.viewName}:${ref.feature.name}`;
}

/** The same of what feeds an input: a request feature has its bare name. */
export function inputFeatureName(feature: ModelFeature): string {
  return feature.kind === "stored" ? featureName(feature.ref) : feature.feature.name;
}

/**
 * Finds the features of every input of a model's file: what `inputs` says, else the feature of the input's name, else (an only input) the
 * service's features and the request features in order. Everything that does not fit goes to `problems`.
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
        `no feature feeds it: neither feature service "${model.featureService.name}" nor request_features has one "${name}"`,
        `Name its feature under inputs of the model; there are ${list(candidates(model).map(inputFeatureName))}`,
      ),
    );
    return undefined;
  }
  const width = widthOf(spec, features, problems);
  if (width === undefined) return undefined;
  const listWidth = width - features.length + 1;
  let offset = 0;
  const slots = features.map((feature): InputSlot => {
    const slot = { feature, offset, width: isListType(typeOf(feature)) ? listWidth : 1 };
    offset += slot.width;
    return slot;
  });
  for (const slot of slots) checkSlot(model, name, type, slot, problems);
  return { name, type, slots, width, rank: shape?.length === 1 ? 1 : 2 };
}

function featuresOf(model: ModelDefinition, spec: TensorSpec, only: boolean): readonly ModelFeature[] | undefined {
  const named = model.inputs.get(spec.name);
  if (named !== undefined) return named.features;
  const all = candidates(model);
  const same = all.filter((each) => (each.kind === "stored" ? each.ref.feature : each.feature).name === spec.name);
  const [first] = same;
  const width = spec.shape?.length === 2 ? (spec.shape[1] ?? all.length) : 1;
  if (first !== undefined && same.length === 1) {
    if (!only || width === 1 || all.length === 1 || isListType(typeOf(first))) return same;
  }
  return only && all.length > 0 ? all : undefined;
}

/** What may feed an input that the yaml does not mention. */
function candidates(model: ModelDefinition): readonly ModelFeature[] {
  return [
    ...model.featureService.features.map((ref): ModelFeature => ({ kind: "stored", ref })),
    ...model.requestFeatures.map((feature): ModelFeature => ({ kind: "request", feature })),
  ];
}

/** Elements per row. A list takes what the scalars beside it leave, so there can be one, and the file must say how wide the input is. */
function widthOf(
  { name, shape }: TensorSpec,
  features: readonly ModelFeature[],
  problems: Problem[],
): number | undefined {
  const lists = features.filter((each) => isListType(typeOf(each)));
  const stated = shape?.length === 1 ? 1 : shape?.[1];
  if (lists.length > 1) {
    const what = `it is fed several lists (${list(lists.map(inputFeatureName))}), and nothing says how wide each is`;
    problems.push(problem(name, what, "Give each list an input of its own"));
    return undefined;
  }
  const [vector] = lists;
  if (vector !== undefined && (shape?.length === 1 || stated === undefined)) {
    const what = `its shape is ${shape === undefined ? "not stated" : describe(shape)} and ${inputFeatureName(vector)} is a list`;
    problems.push(problem(name, what, "Export the model with an input [n, w], w being the list's width"));
    return undefined;
  }
  const width = stated ?? features.length;
  if (width === features.length || (vector !== undefined && width > features.length)) return width;
  problems.push(
    problem(
      name,
      `it takes ${width} features and is fed ${features.length} (${list(features.map(inputFeatureName))})`,
      "List as many features as the input is wide",
    ),
  );
  return undefined;
}

function typeOf(feature: ModelFeature): ValueType {
  return feature.kind === "stored" ? feature.ref.feature.type : feature.feature.type;
}

function checkSlot(
  model: ModelDefinition,
  input: string,
  type: TensorType,
  { feature, width }: InputSlot,
  problems: Problem[],
): void {
  const found = typeOf(feature);
  const name = inputFeatureName(feature);
  if (feedRule(type, found) === undefined) {
    const advice = `Feed it a feature of type ${list(feedableTypes(type))}`;
    problems.push(problem(input, `it expects ${type} and ${name} is ${found}`, advice));
    return;
  }
  const substitute: FeatureValue | undefined =
    feature.kind === "stored" ? feature.ref.feature.default : feature.feature.default;
  if (substitute != null && !storeFeature(createTensorData(type, width), 0, width, substitute)) {
    const what = isListType(found)
      ? `it takes ${width} elements of ${type} from ${name}, which the default of ${name} is not`
      : `it is ${type}, which cannot hold the default of ${name} exactly`;
    problems.push(problem(input, what, "Choose another default, or export the model with a wider input"));
  }
  if (feature.kind === "request") return;
  const floats = type === "float32" || type === "float64";
  if (onMissingOf(model, feature.ref) === "nan" && !floats) {
    const what = `on_missing of ${name} is nan, which a ${type} input cannot hold`;
    problems.push(problem(input, what, "Say reject or default for it"));
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
