import type { RowError } from "@larder/contract";
import { type FeatureBatch, STATUS_NAMES } from "@larder/store-core";
import type { StatusCounts } from "../metrics/status-counts.ts";
import { outputLayout } from "../model/bind-output.ts";
import type { LoadedModel } from "../model/load-model.ts";
import type { ModelCall, Tensor, TensorData } from "../model/model-runner.ts";
import { compileFeeds, type FeedPlan, fillFeed, keepRows } from "./fill-feeds.ts";
import { compileMissingRules, findMissing, type MissingCell, type MissingRule } from "./judge-rows.ts";

/** What a model said about a batch. */
export interface Predictions {
  readonly rowCount: number;
  /** Row i's prediction is `data[at[i]]`; -1 where `errors` says why there is none. */
  readonly at: Int32Array;
  readonly data: TensorData;
  /** In row order, at most one per row. */
  readonly errors: readonly RowError[];
  /** Every value that was not PRESENT, row by row. */
  readonly missing: readonly MissingCell[];
  /** Milliseconds inside the model. */
  readonly modelMs: number;
}

/** A loaded model with what its requests need, compiled once. */
export interface Predictor {
  readonly model: LoadedModel;
  /** One per column of the model's plan. */
  readonly rules: readonly MissingRule[];
  /**
   * Fills the tensors straight from the batch, runs the rows that may run, and says why the others may not.
   * @throws MODEL_FAILED, MODEL_NOT_READY, MODEL_BUSY, ABORTED
   */
  predict(batch: FeatureBatch, counts: StatusCounts, call: ModelCall): Promise<Predictions>;
}

/** Compiles a loaded model. */
export function createPredictor(model: LoadedModel): Predictor {
  const rules = compileMissingRules(model);
  const feeds = compileFeeds(model);
  return { model, rules, predict: (batch, counts, call) => predict(model, rules, feeds, batch, counts, call) };
}

async function predict(
  model: LoadedModel,
  rules: readonly MissingRule[],
  feeds: readonly FeedPlan[],
  batch: FeatureBatch,
  counts: StatusCounts,
  call: ModelCall,
): Promise<Predictions> {
  const rows = batch.rowCount;
  const errors = new Map<number, RowError>();
  const missing = findMissing(batch, counts);
  for (const cell of missing) if (rules[cell.column]?.substitute === undefined) refuseMissing(errors, cell, rules);
  const filled = feeds.map((feed) =>
    fillFeed(feed, batch, missing, rules, (row, column) => refuseInexact(errors, row, rules[column] as MissingRule)),
  );

  const kept = errors.size === 0 ? allRows(rows) : allRows(rows).filter((row) => !errors.has(row));
  const at = new Int32Array(rows).fill(-1);
  let data: TensorData = [];
  let modelMs = 0;
  if (kept.length > 0) {
    const tensors = new Map<string, Tensor>();
    for (const [index, feed] of feeds.entries()) {
      tensors.set(feed.input.name, keepRows(feed, filled[index] as TensorData, kept, rows));
    }
    const started = performance.now();
    const [answer] = await model.runner.run(tensors, [model.definition.prediction.output], call);
    modelMs = performance.now() - started;
    const output = answer as Tensor;
    const { stride, index } = outputLayout(model.definition, output, kept.length);
    data = output.data;
    for (const [position, row] of kept.entries()) {
      const place = position * stride + index;
      if (isNumber(data[place])) at[row] = place;
      else errors.set(row, notANumber(row));
    }
  }
  const inOrder = [...errors.values()].sort((left, right) => left.row - right.row);
  return { rowCount: rows, at, data, errors: inOrder, missing, modelMs };
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

function refuseInexact(errors: Map<number, RowError>, row: number, { feature }: MissingRule): void {
  if (errors.has(row)) return;
  const message = `No prediction: the value of ${feature} cannot be held exactly by the model's input`;
  errors.set(row, { row, code: "UNSAFE_INTEGER", message, features: [feature] });
}

function notANumber(row: number): RowError {
  return { row, code: "MODEL_FAILED", message: "No prediction: the model answered no finite number", features: [] };
}

function isNumber(value: unknown): boolean {
  return typeof value !== "number" || Number.isFinite(value);
}

function allRows(rows: number): number[] {
  const all = new Array<number>(rows);
  for (let row = 0; row < rows; row++) all[row] = row;
  return all;
}
