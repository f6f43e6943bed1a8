import type { FeatureValue } from "@larder/schema";
import type { ReadPlan } from "./read-plan.ts";
import type { RowSource, ViewCells } from "./view-cells.ts";

/** Feast's names and numbers for the status of a value (ServingService.proto). */
export const FieldStatus = { INVALID: 0, PRESENT: 1, NULL_VALUE: 2, NOT_FOUND: 3, OUTSIDE_MAX_AGE: 4 } as const;

/** Status of one value, as a number; {@link STATUS_NAMES} has the text. */
export type FieldStatus = (typeof FieldStatus)[keyof typeof FieldStatus];

/** Status text by number, as HTTP writes it. */
export const STATUS_NAMES = ["INVALID", "PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"] as const;

/** Status of one value, as text. */
export type StatusName = (typeof STATUS_NAMES)[number];

/**
 * What one read returned: entity rows x plan columns. Values stay in their packed bytes until they are asked for, so a batch goes into a
 * tensor or a JSON text without an object per value. `row` counts entity rows, `column` indexes `plan.columns`, `view` indexes `plan.views`.
 */
export interface FeatureBatch {
  readonly plan: ReadPlan;
  readonly rowCount: number;
  status(row: number, column: number): FieldStatus;
  /** True only where every column of the view is PRESENT, which one look at the row tells; where it is false some may be PRESENT all the same. */
  isWhole(row: number, view: number): boolean;
  /** The value, or null where the status is neither PRESENT nor (with `allowStale`) OUTSIDE_MAX_AGE. */
  value(row: number, column: number): FeatureValue;
  /**
   * Writes a numeric or bool scalar column into `out[offset + row * stride]` for every row; NaN where {@link value} is null. int64 and float64
   * beyond what float32 holds are rounded as `Math.fround` does.
   */
  fillFloat32(column: number, out: Float32Array, offset: number, stride: number): void;
  /** Microseconds since the epoch, of the row this value came from; undefined where there is no row. */
  eventTime(row: number, view: number): number | undefined;
  createdTime(row: number, view: number): number | undefined;
  source(row: number, view: number): RowSource;
  /** Logical time of the read that brought the row, in microseconds. */
  readAt(row: number, view: number): number;
  /** True iff any row came from last known good or outage defaults. */
  readonly degraded: boolean;
  /** The packed rows behind the values, one entry per `plan.views`: for decorators that keep rows. */
  readonly cells: readonly ViewCells[];
}
