import { type Definitions, type FeatureRef, LarderError, type ModelDefinition, type Problem } from "@larder/schema";
import { createReadPlan, type ReadPlan } from "@larder/store-core";
import { bindInputs, featureName, type InputBinding } from "./bind-inputs.ts";
import { bindOutputs, checkOutputs, type OutputBinding, outputNames } from "./bind-output.ts";
import { createTensorData } from "./feed-table.ts";
import type { ModelFiles } from "./model-files.ts";
import { checkRecord, type ModelRecord, readModelRecord } from "./model-record.ts";
import type { ModelRunner, Tensor } from "./model-runner.ts";
import type { ModelThreads } from "./model-threads.ts";
import { readModelFile } from "./onnx-runner.ts";
import { PooledRunner } from "./pooled-runner.ts";

/** A version of a model that has been checked against its feature service and run once. */
export interface LoadedModel {
  readonly definition: ModelDefinition;
  readonly version: string;
  /** SHA-256 (hex) of the ONNX file. */
  readonly checksum: string;
  /** What the file is said to be trained on; undefined where nothing is said beside it. */
  readonly record: ModelRecord | undefined;
  readonly runner: PooledRunner;
  readonly inputs: readonly InputBinding[];
  /** One per prediction of the definition. */
  readonly outputs: readonly OutputBinding[];
  /** Reads what the inputs take, each feature once. */
  readonly plan: ReadPlan;
}

/**
 * Loads a version of a model: reads the file, checks its inputs and output against the yaml and its record against the definitions, runs it once on
 * zeros. Nothing stays open when it fails.
 * @throws MODEL_UNREADABLE, MODEL_MISMATCH (all problems at once), MODEL_TRAINED_ON_OTHER_DEFINITIONS, MISSING_DEPENDENCY
 */
export async function loadModel(
  definitions: Definitions,
  definition: ModelDefinition,
  { version, path, record: recordPath }: ModelFiles,
  threads: ModelThreads,
): Promise<LoadedModel> {
  const { name } = definition;
  const record = await readModelRecord(name, recordPath);
  const runner = await PooledRunner.open(await readModelFile({ name, path }), threads);
  try {
    const checksum = runner.version;
    const problems: Problem[] = [];
    const inputs = bindInputs(definition, runner.inputs, problems);
    checkOutputs(definition, runner.outputs, problems);
    const stored = storedFeatures(inputs);
    if (stored.length === 0 && problems.length === 0) problems.push(nothingStored(definition));
    if (problems.length > 0) throw mismatch(definition, problems);
    if (record !== undefined) checkRecord(definitions, definition, record, recordPath, checksum, stored);
    const outputs = await warmUp(definition, runner, inputs);
    await measure(definition, runner, inputs, definitions.server.maxRows);
    const plan = createReadPlan(definitions, stored, { fullFeatureNames: true });
    return { definition, version, checksum, record, runner, inputs, outputs, plan };
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

/** Finds out how many rows may run in place; a model that takes one row only is found out, too. */
async function measure(
  definition: ModelDefinition,
  runner: PooledRunner,
  inputs: readonly InputBinding[],
  maxRows: number,
): Promise<void> {
  const shapes = inputs.map(({ name, type, rank, width }) => ({ name, type, rank, width }));
  try {
    await runner.measure(shapes, outputNames(definition), maxRows);
  } catch (cause) {
    const what = "it takes one row of zeros and fails on several";
    const remedy = "Export the model with a free batch size";
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
