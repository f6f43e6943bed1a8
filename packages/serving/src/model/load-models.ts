import { type Definitions, type FeatureRef, LarderError, type ModelDefinition, type Problem } from "@larder/schema";
import { createReadPlan, type ReadPlan } from "@larder/store-core";
import { bindInputs, featureName, type InputBinding } from "./bind-inputs.ts";
import { bindOutputs, checkOutputs, type OutputBinding, outputNames } from "./bind-output.ts";
import { createTensorData } from "./feed-table.ts";
import type { ModelRunner, Tensor } from "./model-runner.ts";
import { createOnnxRunner } from "./onnx-runner.ts";

/** A model that has been checked against its feature service and run once. */
export interface LoadedModel {
  readonly definition: ModelDefinition;
  readonly runner: ModelRunner;
  readonly inputs: readonly InputBinding[];
  /** One per prediction of the definition. */
  readonly outputs: readonly OutputBinding[];
  /** Reads what the inputs take, each feature once. */
  readonly plan: ReadPlan;
}

/** The models of a file, in its order. */
export interface ModelSet {
  readonly models: ReadonlyMap<string, LoadedModel>;
  /** Frees every model. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Loads every model of the definitions: reads the file, checks its inputs and outputs against the yaml, runs it once on zeros. Either all
 * models are loaded or none stays open.
 * @throws MODEL_UNREADABLE, MODEL_MISMATCH (all problems of a model at once), MISSING_DEPENDENCY
 */
export async function loadModels(definitions: Definitions): Promise<ModelSet> {
  const models = new Map<string, LoadedModel>();
  const close = async (): Promise<void> => {
    for (const { runner } of [...models.values()].reverse()) await runner.close();
  };
  try {
    for (const definition of definitions.models.values()) {
      models.set(definition.name, await loadModel(definitions, definition));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { models, close, [Symbol.asyncDispose]: close };
}

async function loadModel(definitions: Definitions, definition: ModelDefinition): Promise<LoadedModel> {
  const runner = await createOnnxRunner(definition);
  try {
    const problems: Problem[] = [];
    const inputs = bindInputs(definition, runner.inputs, problems);
    checkOutputs(definition, runner.outputs, problems);
    const stored = storedFeatures(inputs);
    if (stored.length === 0 && problems.length === 0) problems.push(nothingStored(definition));
    if (problems.length > 0) throw mismatch(definition, problems);
    const outputs = await warmUp(definition, runner, inputs);
    const plan = createReadPlan(definitions, stored, { fullFeatureNames: true });
    return { definition, runner, inputs, outputs, plan };
  } catch (error) {
    await runner.close();
    throw error;
  }
}

/** What the inputs take from the store, each feature once. */
function storedFeatures(inputs: readonly InputBinding[]): readonly FeatureRef[] {
  const slots = inputs.flatMap((input) => input.slots);
  const refs = slots.flatMap(({ feature }) => (feature.kind === "stored" ? [feature.ref] : []));
  return [...new Map(refs.map((ref) => [featureName(ref), ref])).values()];
}

function nothingStored({ featureService }: ModelDefinition): Problem {
  const what = `no input takes a feature of feature service "${featureService.name}"`;
  return {
    place: "inputs",
    field: "inputs",
    what,
    remedy: "Feed an input from the service: that is what is looked up",
  };
}

/** The first run of a session is slow, and shows what the file did not say. */
async function warmUp(
  definition: ModelDefinition,
  runner: ModelRunner,
  inputs: readonly InputBinding[],
): Promise<readonly OutputBinding[]> {
  const feeds = new Map<string, Tensor>();
  for (const { name, type, width, rank } of inputs) {
    feeds.set(name, { type, data: createTensorData(type, width), dims: rank === 1 ? [1] : [1, width] });
  }
  try {
    return bindOutputs(definition, await runner.run(feeds, outputNames(definition)), 1);
  } catch (cause) {
    const found = cause instanceof LarderError && cause.cause instanceof Error ? cause.cause.message : String(cause);
    const what = `a first run on zeros failed: ${found.split("\n", 1)[0]?.slice(0, 300)}`;
    const remedy = "Check that the model's inputs are the features it was trained on";
    throw mismatch(definition, [{ place: "warm-up", field: "inputs", what, remedy }], cause);
  }
}

function mismatch(definition: ModelDefinition, problems: readonly Problem[], cause?: unknown): LarderError {
  const [first] = problems as readonly [Problem, ...Problem[]];
  const more = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
  return new LarderError("MODEL_MISMATCH", {
    what: `${definition.place}: model "${definition.name}" does not fit: ${first.what}${more}`,
    remedy: first.remedy,
    facts: { model: definition.name, field: first.field },
    problems,
    cause,
  });
}
