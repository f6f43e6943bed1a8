import { type FeatureValue, isListType } from "@larder/schema";
import type { FeatureBatch } from "@larder/store-core";
import { featureName, type InputBinding, type InputSlot } from "../model/bind-inputs.ts";
import { createTensorData, feedRule, storeFeature, storeValue } from "../model/feed-table.ts";
import type { LoadedModel } from "../model/load-model.ts";
import type { Tensor, TensorData } from "../model/model-runner.ts";
import type { MissingCell, MissingRule } from "./judge-rows.ts";
import { cellOf, type RowInputs } from "./row-inputs.ts";

/** Below this every integer is exact as a float32. */
const FLOAT32_EXACT = 2 ** 24;

/** One model input with where its elements come from. */
export interface FeedPlan {
  readonly input: InputBinding;
  readonly slots: readonly FeedSlot[];
}

/** One feature of an input, and how it is filled. */
export interface FeedSlot extends InputSlot {
  /** Column of the plan; -1 for a request feature. */
  readonly column: number;
  /** Position among the model's request features; -1 for a stored feature. */
  readonly requested: number;
  /** `floats` is a scalar that goes from packed bytes into a Float32Array; of `integers` those from 2^24 on are then judged. */
  readonly fill: "floats" | "integers" | "values";
}

/** Receives a value that its tensor cannot hold exactly, or a list of another width than its slot. */
export type OnUnfit = (row: number, slot: FeedSlot, value: FeatureValue) => void;

/** What a request is filled from. */
export interface FeedSources {
  readonly model: LoadedModel;
  readonly batch: FeatureBatch;
  readonly inputs: RowInputs;
  readonly missing: readonly MissingCell[];
  readonly rules: readonly MissingRule[];
}

/** Finds each input's columns, once per model. */
export function compileFeeds({ definition, inputs, plan }: LoadedModel): readonly FeedPlan[] {
  const columnOf = new Map(plan.columns.map(({ ref }, column) => [featureName(ref), column]));
  return inputs.map((input) => ({
    input,
    slots: input.slots.map((slot): FeedSlot => {
      const { feature } = slot;
      if (feature.kind === "request") {
        const requested = definition.requestFeatures.indexOf(feature.feature);
        return { ...slot, column: -1, requested, fill: "values" };
      }
      const { type } = feature.ref.feature;
      // A float64 is not filled as a float32, which would round it before it is judged.
      const direct = input.type === "float32" && type !== "float64" && !isListType(type);
      const fill = !direct ? "values" : feedRule("float32", type) === "always" ? "floats" : "integers";
      return { ...slot, column: columnOf.get(featureName(feature.ref)) as number, requested: -1, fill };
    }),
  }));
}

/**
 * One input's elements for every row of the batch, row-major: stored values, substitutes where the rules have one, overrides, request features. A
 * row that misses a value without substitute, or has one that does not fit, holds anything there and must not reach the model.
 */
export function fillFeed({ input, slots }: FeedPlan, sources: FeedSources, onUnfit: OnUnfit): TensorData {
  const { batch, inputs, missing, rules, model } = sources;
  const stride = input.width;
  const data = createTensorData(input.type, batch.rowCount * stride);
  for (const slot of slots) {
    if (slot.column < 0) fillRequested(inputs, slot, data, stride, onUnfit);
    else if (data instanceof Float32Array && slot.fill !== "values") fillFloats(sources, slot, data, stride, onUnfit);
    else fillValues(sources, slot, data, stride, onUnfit);
  }
  for (const { row, column } of missing) {
    const substitute = rules[column]?.substitute;
    if (substitute === undefined) continue;
    for (const { column: each, offset, width } of slots) {
      if (each === column) storeFeature(data, row * stride + offset, width, substitute);
    }
  }
  if (inputs.overrides.size > 0) {
    for (const slot of slots) if (slot.column >= 0) fillOverrides(inputs, model, slot, data, stride, onUnfit);
  }
  return data;
}

/** The tensor of the rows that `kept` lists in rising order. Moves elements inside `data`. */
export function keepRows({ input }: FeedPlan, data: TensorData, kept: readonly number[], rows: number): Tensor {
  const stride = input.width;
  const dims = input.rank === 1 ? [kept.length] : [kept.length, stride];
  if (kept.length === rows) return { type: input.type, data, dims };
  for (const [to, from] of kept.entries()) {
    if (to !== from) data.copyWithin(to * stride, from * stride, (from + 1) * stride);
  }
  const length = kept.length * stride;
  return { type: input.type, data: Array.isArray(data) ? data.slice(0, length) : data.subarray(0, length), dims };
}

function fillFloats(
  { batch, inputs, model }: FeedSources,
  slot: FeedSlot,
  data: Float32Array,
  stride: number,
  onUnfit: OnUnfit,
): void {
  const { column, offset } = slot;
  batch.fillFloat32(column, data, offset, stride);
  if (slot.fill === "floats") return;
  for (let row = 0, at = offset; row < batch.rowCount; row++, at += stride) {
    if (!(Math.abs(data[at] as number) >= FLOAT32_EXACT)) continue;
    const value = batch.value(row, column) as number | bigint;
    if (!storeValue(data, at, value) && !inputs.overrides.has(cellOf(row, column, model))) onUnfit(row, slot, value);
  }
}

function fillValues(
  { batch, inputs, model }: FeedSources,
  slot: FeedSlot,
  data: TensorData,
  stride: number,
  onUnfit: OnUnfit,
): void {
  const { column, offset, width } = slot;
  for (let row = 0, at = offset; row < batch.rowCount; row++, at += stride) {
    const value = batch.value(row, column);
    if (value === null || storeFeature(data, at, width, value)) continue;
    if (!inputs.overrides.has(cellOf(row, column, model))) onUnfit(row, slot, value);
  }
}

function fillRequested(
  { request }: RowInputs,
  slot: FeedSlot,
  data: TensorData,
  stride: number,
  onUnfit: OnUnfit,
): void {
  const { offset, width } = slot;
  const values = request[slot.requested] as readonly FeatureValue[];
  for (let row = 0, at = offset; row < values.length; row++, at += stride) {
    const value = values[row] as FeatureValue;
    if (!storeFeature(data, at, width, value)) onUnfit(row, slot, value);
  }
}

function fillOverrides(
  { overrides }: RowInputs,
  { plan }: LoadedModel,
  slot: FeedSlot,
  data: TensorData,
  stride: number,
  onUnfit: OnUnfit,
): void {
  const columns = plan.columns.length;
  for (const [cell, value] of overrides) {
    if (value === null || cell % columns !== slot.column) continue;
    const row = Math.floor(cell / columns);
    if (!storeFeature(data, row * stride + slot.offset, slot.width, value)) onUnfit(row, slot, value);
  }
}
