import type { FeatureValue } from "@larder/schema";
import { type FeatureBatch, FieldStatus } from "@larder/store-core";
import type { StatusCounts } from "../metrics/status-counts.ts";
import { featureName, onMissingOf } from "../model/bind-inputs.ts";
import type { LoadedModel } from "../model/load-model.ts";

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
  const { columns } = batch.plan;
  const missing: MissingCell[] = [];
  for (let row = 0; row < batch.rowCount; row++) {
    for (let column = 0; column < columns.length; column++) {
      const status = batch.status(row, column);
      counts.add(columns[column]?.view as number, status);
      if (status !== FieldStatus.PRESENT) missing.push({ row, column, status });
    }
  }
  return missing;
}
