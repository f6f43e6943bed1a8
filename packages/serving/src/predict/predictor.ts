import type { RowError } from "@larder/contract";
import { type FeatureValue, isListType } from "@larder/schema";
import { type FeatureBatch, STATUS_NAMES } from "@larder/store-core";
import type { StatusCounts } from "../metrics/status-counts.ts";
import { inputFeatureName } from "../model/bind-inputs.ts";
import { checkShape, type OutputBinding, outputNames } from "../model/bind-output.ts";
import type { LoadedModel } from "../model/load-model.ts";
import type { ModelCall, Tensor, TensorData } from "../model/model-runner.ts";
import { compileFeeds, type FeedPlan, type FeedSlot, fillFeed, keepRows } from "./fill-feeds.ts";
import { compileMissingRules, findMissing, type MissingCell, type MissingRule, overrideMissing } from "./judge-rows.ts";
import { compileRowInputs, type RowInputs, type RowInputsReader } from "./row-inputs.ts";

/** What a model said about a batch. */
export interface Predictions {
  readonly rowCount: number;
  /** Row i is row `places[i]` of every output; -1 where `errors` says why there is no prediction. */
  readonly places: Int32Array;
  /** The elements of each prediction's output, one per `model.outputs`: see {@link OutputBinding} for where a row's stand. Empty when no row ran. */
  readonly outputs: readonly TensorData[];
  /** In row order, at most one per row. */
  readonly errors: readonly RowError[];
  /** Every value that was not PRESENT and not overridden, row by row; one that was overridden by null is NULL_VALUE. */
  readonly missing: readonly MissingCell[];
  /** Milliseconds inside the model. */
  readonly modelMs: number;
}

/** A loaded model with what its requests need, compiled once. */
export interface Predictor {
  readonly model: LoadedModel;
  /** One per column of the model's plan. */
  readonly rules: readonly MissingRule[];
  /** Reads what rows bring beside their join keys. */
  readonly readInputs: RowInputsReader;
  /**
   * Fills the tensors straight from the batch and the request, runs the rows that may run, and says why the others may not. `counts` gets what the
   * store had, whatever is overridden.
   * @throws MODEL_FAILED, MODEL_NOT_READY, MODEL_BUSY, ABORTED
   */
  predict(batch: FeatureBatch, inputs: RowInputs, counts: StatusCounts, call: ModelCall): Promise<Predictions>;
}

/** Compiles a loaded model. */
export function createPredictor(model: LoadedModel): Predictor {
  const rules = compileMissingRules(model);
  const compiled = { model, rules, feeds: compileFeeds(model), outputNames: outputNames(model.definition) };
  return {
    model,
    rules,
    readInputs: compileRowInputs(model),
    predict: (batch, inputs, counts, call) => predict(compiled, batch, inputs, counts, call),
  };
}

interface Compiled {
  readonly model: LoadedModel;
  readonly rules: readonly MissingRule[];
  readonly feeds: readonly FeedPlan[];
  readonly outputNames: readonly string[];
}

async function predict(
  { model, rules, feeds, outputNames }: Compiled,
  batch: FeatureBatch,
  inputs: RowInputs,
  counts: StatusCounts,
  call: ModelCall,
): Promise<Predictions> {
  const rows = batch.rowCount;
  const errors = new Map<number, RowError>();
  const missing = overrideMissing(findMissing(batch, counts), inputs.overrides, model);
  for (const cell of missing) if (rules[cell.column]?.substitute === undefined) refuseMissing(errors, cell, rules);
  const sources = { model, batch, inputs, missing, rules };
  const filled = feeds.map((feed) =>
    fillFeed(feed, sources, (row, slot, value) => refuseUnfit(errors, row, feed, slot, value)),
  );

  const kept = errors.size === 0 ? allRows(rows) : allRows(rows).filter((row) => !errors.has(row));
  const places = new Int32Array(rows).fill(-1);
  let outputs: readonly TensorData[] = [];
  let modelMs = 0;
  if (kept.length > 0) {
    const tensors = new Map<string, Tensor>();
    for (const [index, feed] of feeds.entries()) {
      tensors.set(feed.input.name, keepRows(feed, filled[index] as TensorData, kept, rows));
    }
    const started = performance.now();
    const answers = await model.runner.run(tensors, outputNames, call);
    modelMs = performance.now() - started;
    outputs = model.outputs.map((binding) => {
      const tensor = answers[binding.position] as Tensor;
      checkShape(model.definition, binding, tensor, kept.length);
      return tensor.data;
    });
    for (let place = 0; place < kept.length; place++) {
      const row = kept[place] as number;
      if (allFinite(model.outputs, outputs, place)) places[row] = place;
      else errors.set(row, notANumber(row));
    }
  }
  const inOrder = [...errors.values()].sort((left, right) => left.row - right.row);
  return { rowCount: rows, places, outputs, errors: inOrder, missing, modelMs };
}

function refuseMissing(
  errors: Map<number, RowError>,
  { row, column, status }: MissingCell,
  rules: readonly MissingRule[],
) {
  const feature = rules[column]?.feature as string;
  const found = errors.get(row);
  const what = `${feature} is ${STATUS_NAMES[status]}`;
  errors.set(row, {
    row,
    code: "FEATURE_MISSING",
    message: found === undefined ? `No prediction: ${what}` : `${found.message}, ${what}`,
    features: found === undefined ? [feature] : [...found.features, feature],
  });
}

function refuseUnfit(
  errors: Map<number, RowError>,
  row: number,
  { input }: FeedPlan,
  { feature, width }: FeedSlot,
  value: FeatureValue,
): void {
  if (errors.has(row)) return;
  const name = inputFeatureName(feature);
  const refuse = (code: RowError["code"], what: string): void => {
    errors.set(row, { row, code, message: `No prediction: ${what}`, features: [name] });
  };
  const { type } = feature.kind === "stored" ? feature.ref.feature : feature.feature;
  if (isListType(type) && (value as readonly unknown[]).length !== width) {
    const found = (value as readonly unknown[]).length;
    refuse(
      "WRONG_WIDTH",
      `${name} has ${found} elements and the model's input takes ${width}; write lists of that width`,
    );
  } else if (type === "float64" || type === "list<float64>") {
    const remedy = "declare it float32, or export the model with a float64 input";
    refuse("INEXACT_VALUE", `the ${input.type} input of the model would round the value of ${name}; ${remedy}`);
  } else {
    refuse("UNSAFE_INTEGER", `the value of ${name} cannot be held exactly by the model's ${input.type} input`);
  }
}

function notANumber(row: number): RowError {
  return { row, code: "MODEL_FAILED", message: "No prediction: the model answered no finite number", features: [] };
}

/** Whether every number that the model answered for a row is one. */
function allFinite(bindings: readonly OutputBinding[], outputs: readonly TensorData[], place: number): boolean {
  for (let i = 0; i < outputs.length; i++) {
    const data = outputs[i] as TensorData;
    if (!(data instanceof Float32Array || data instanceof Float64Array)) continue;
    const { stride, index, width = 1 } = bindings[i] as OutputBinding;
    const from = place * stride + index;
    for (let at = from; at < from + width; at++) if (!Number.isFinite(data[at] as number)) return false;
  }
  return true;
}

function allRows(rows: number): number[] {
  const all = new Array<number>(rows);
  for (let row = 0; row < rows; row++) all[row] = row;
  return all;
}
