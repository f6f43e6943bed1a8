import type { FeatureValue, ScalarValue, ValueType } from "@larder/schema";
import { type FeatureBatch, FieldStatus } from "@larder/store-core";
import type { OutputBinding } from "../model/bind-output.ts";
import type { TensorData } from "../model/model-runner.ts";
import type { Predictions, Predictor } from "./predictor.ts";
import { cellOf, type RowInputs } from "./row-inputs.ts";

/**
 * What one prediction request used and answered, for whoever records it: rows x columns, a column per feature that the model reads, those of the
 * store first. It holds on to what the request has anyway and computes nothing before it is asked, so a request that nobody records pays nothing.
 * What is kept past the request is the reader's to copy.
 */
export interface ServedRows {
  readonly rowCount: number;
  readonly columns: readonly ServedColumn[];
  /** The value as used: an override, the stored value, the substitute by `on_missing`, or what the request brought; null where there was none. */
  value(row: number, column: number): FeatureValue;
  /** What the store had, whatever is overridden; undefined for a request feature. */
  status(row: number, column: number): FieldStatus | undefined;
  overridden(row: number, column: number): boolean;
  /** Microseconds from the event time of the stored row to `now`; undefined for a request feature, an overridden value, and where no row was found. */
  age(row: number, column: number): number | undefined;
  /** What was answered, one per prediction of the model; undefined where the row was refused. */
  predictions(row: number): readonly PredictionValue[] | undefined;
}

/** One feature that the model reads. */
export interface ServedColumn {
  readonly kind: "stored" | "request";
  /** `view:feature`, or the name of a request feature. */
  readonly name: string;
  readonly type: ValueType;
}

/** One prediction: a scalar, or the elements of a vector. An integer label is a bigint where the model's output is int64. */
export type PredictionValue = ScalarValue | readonly ScalarValue[];

/** The columns of a predictor's {@link ServedRows}, the same for every request. */
export function servedColumns({ model, rules }: Predictor): readonly ServedColumn[] {
  return [
    ...model.plan.columns.map(
      ({ ref }, column): ServedColumn => ({
        kind: "stored",
        name: rules[column]?.feature as string,
        type: ref.feature.type,
      }),
    ),
    ...model.definition.requestFeatures.map(({ name, type }): ServedColumn => ({ kind: "request", name, type })),
  ];
}

/** The view of one request. `now` is logical time in microseconds; `columns` are {@link servedColumns} of the predictor. */
export function servedRows(
  predictor: Predictor,
  columns: readonly ServedColumn[],
  request: { readonly batch: FeatureBatch; readonly inputs: RowInputs; readonly predictions: Predictions },
  now: number,
): ServedRows {
  const { model, rules } = predictor;
  const { batch, inputs, predictions } = request;
  const stored = model.plan.columns.length;
  const overridden = (row: number, column: number): boolean =>
    column < stored && inputs.overrides.has(cellOf(row, column, model));
  return {
    rowCount: batch.rowCount,
    columns,
    overridden,
    value: (row, column) => {
      if (column >= stored) return inputs.request[column - stored]?.[row] ?? null;
      if (overridden(row, column)) {
        return inputs.overrides.get(cellOf(row, column, model)) ?? rules[column]?.substitute ?? null;
      }
      // A withheld value was not used, even where the batch could tell it.
      if (batch.status(row, column) === FieldStatus.PRESENT) return batch.value(row, column);
      return rules[column]?.substitute ?? null;
    },
    status: (row, column) => (column < stored ? batch.status(row, column) : undefined),
    age: (row, column) => {
      if (column >= stored || overridden(row, column)) return undefined;
      const { view } = model.plan.columns[column] as (typeof model.plan.columns)[number];
      if (batch.status(row, column) === FieldStatus.NOT_FOUND) return undefined;
      const eventTime = batch.eventTime(row, view);
      return eventTime === undefined ? undefined : now - eventTime;
    },
    predictions: (row) => {
      const place = predictions.places[row] as number;
      if (place === -1) return undefined;
      return model.outputs.map((binding, i) => valueAt(binding, predictions.outputs[i] as TensorData, place));
    },
  };
}

function valueAt({ stride, index, width }: OutputBinding, data: TensorData, place: number): PredictionValue {
  const from = place * stride + index;
  if (width === undefined) return elementAt(data, from);
  return Array.from({ length: width }, (_, item) => elementAt(data, from + item));
}

function elementAt(data: TensorData, at: number): ScalarValue {
  const value = data[at] as number | bigint | string;
  return data instanceof Uint8Array ? value !== 0 : value;
}
