import type { FeatureValue } from "@larder/schema";
import { type FeatureBatch, FieldStatus } from "@larder/store-core";
import type { StatusCounts } from "../metrics/status-counts.ts";
import { featureName, onMissingOf } from "../model/bind-inputs.ts";
import type { LoadedModel } from "../model/load-model.ts";
import { cellOf } from "./row-inputs.ts";

/** What to do where one column of the plan is not PRESENT. `substitute` keeps its own type; NaN for `nan`, undefined to refuse the row. */
export interface MissingRule {
  /** `view:feature`. */
  readonly feature: string;
  readonly substitute: FeatureValue | undefined;
}

/** A value that is not PRESENT. */
export interface MissingCell {
  readonly row: number;
  readonly column: number;
  readonly status: FieldStatus;
}

/** One {@link MissingRule} per column of the model's plan. A default of null is no value a tensor could hold, so it refuses too. */
export function compileMissingRules({ definition, plan }: LoadedModel): readonly MissingRule[] {
  return plan.columns.map(({ ref }) => {
    const rule = onMissingOf(definition, ref);
    const substitute =
      rule === "nan" ? Number.NaN : rule === "default" ? (ref.feature.default ?? undefined) : undefined;
    return { feature: featureName(ref), substitute };
  });
}

/** Every cell of a batch that is not PRESENT, row by row; counts all statuses on the way. */
export function findMissing(batch: FeatureBatch, counts: StatusCounts): readonly MissingCell[] {
  const { columns, views } = batch.plan;
  const missing: MissingCell[] = [];
  for (let row = 0; row < batch.rowCount; row++) {
    if (isWhole(batch, row)) {
      for (let view = 0; view < views.length; view++) counts.add(view, FieldStatus.PRESENT, views[view]?.columnCount);
      continue;
    }
    for (let column = 0; column < columns.length; column++) {
      const status = batch.status(row, column);
      counts.add(columns[column]?.view as number, status);
      if (status !== FieldStatus.PRESENT) missing.push({ row, column, status });
    }
  }
  return missing;
}

/** True only where every cell of the row is PRESENT: the usual row is judged by one look per view. */
function isWhole(batch: FeatureBatch, row: number): boolean {
  for (let view = 0; view < batch.plan.views.length; view++) if (!batch.isWhole(row, view)) return false;
  return true;
}

/** The missing cells where a request overrides some: a value is not missing any more, and a null makes one missing. */
export function overrideMissing(
  missing: readonly MissingCell[],
  overrides: ReadonlyMap<number, FeatureValue>,
  model: LoadedModel,
): readonly MissingCell[] {
  if (overrides.size === 0) return missing;
  const columns = model.plan.columns.length;
  const left = missing.filter(({ row, column }) => !overrides.has(cellOf(row, column, model)));
  for (const [cell, value] of overrides) {
    if (value !== null) continue;
    left.push({ row: Math.floor(cell / columns), column: cell % columns, status: FieldStatus.NULL_VALUE });
  }
  return left.sort((a, b) => a.row - b.row || a.column - b.column);
}
