import type { FeatureBatch } from "@larder/store-core";
import { featureName, type InputBinding } from "../model/bind-inputs.ts";
import { createTensorData, feedRule, storeValue } from "../model/feed-table.ts";
import type { LoadedModel } from "../model/load-model.ts";
import type { Tensor, TensorData } from "../model/model-runner.ts";
import type { MissingCell, MissingRule } from "./judge-rows.ts";

/** Below this every integer is exact as a float32. */
const FLOAT32_EXACT = 2 ** 24;

/** One model input with its columns of the plan. */
export interface FeedPlan {
  readonly input: InputBinding;
  /** `columns[j]` fills place j of each row. */
  readonly columns: readonly number[];
}

/** Receives a value that its tensor cannot hold exactly. */
export type OnInexact = (row: number, column: number) => void;

/** Finds each input's columns, once per model. */
export function compileFeeds({ inputs, plan }: LoadedModel): readonly FeedPlan[] {
  const columnOf = new Map(plan.columns.map(({ ref }, column) => [featureName(ref), column]));
  return inputs.map((input) => ({
    input,
    columns: input.features.map((ref) => columnOf.get(featureName(ref)) as number),
  }));
}

/**
 * One input's elements for every row of the batch, row-major; substitutes stand where the rules have one. A row that misses a value without
 * substitute holds zero or NaN there and must not reach the model.
 */
export function fillFeed(
  { input, columns }: FeedPlan,
  batch: FeatureBatch,
  missing: readonly MissingCell[],
  rules: readonly MissingRule[],
  onInexact: OnInexact,
): TensorData {
  const stride = columns.length;
  const data = createTensorData(input.type, batch.rowCount * stride);
  for (const [offset, column] of columns.entries()) {
    if (data instanceof Float32Array) fillFloats(batch, column, data, offset, stride, onInexact);
    else fillValues(batch, column, data, offset, stride, onInexact);
  }
  for (const { row, column } of missing) {
    const substitute = rules[column]?.substitute;
    if (substitute === undefined) continue;
    for (const [offset, each] of columns.entries()) {
      if (each === column) storeValue(data, row * stride + offset, substitute);
    }
  }
  return data;
}

/** The tensor of the rows that `kept` lists in rising order. Moves elements inside `data`. */
export function keepRows(
  { input, columns }: FeedPlan,
  data: TensorData,
  kept: readonly number[],
  rows: number,
): Tensor {
  const stride = columns.length;
  const dims = input.rank === 1 ? [kept.length] : [kept.length, stride];
  if (kept.length === rows) return { type: input.type, data, dims };
  for (const [to, from] of kept.entries()) {
    if (to !== from) data.copyWithin(to * stride, from * stride, (from + 1) * stride);
  }
  const length = kept.length * stride;
  return { type: input.type, data: Array.isArray(data) ? data.slice(0, length) : data.subarray(0, length), dims };
}

function fillFloats(
  batch: FeatureBatch,
  column: number,
  data: Float32Array,
  offset: number,
  stride: number,
  onInexact: OnInexact,
): void {
  batch.fillFloat32(column, data, offset, stride);
  const type = batch.plan.columns[column]?.ref.feature.type as string;
  if (feedRule("float32", type) === "always") return;
  for (let row = 0, at = offset; row < batch.rowCount; row++, at += stride) {
    if (!(Math.abs(data[at] as number) >= FLOAT32_EXACT)) continue;
    if (!storeValue(data, at, batch.value(row, column))) onInexact(row, column);
  }
}

function fillValues(
  batch: FeatureBatch,
  column: number,
  data: TensorData,
  offset: number,
  stride: number,
  onInexact: OnInexact,
): void {
  for (let row = 0, at = offset; row < batch.rowCount; row++, at += stride) {
    const value = batch.value(row, column);
    if (value !== null && !storeValue(data, at, value)) onInexact(row, column);
  }
}
