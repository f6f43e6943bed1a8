import type { WriteAnswer } from "@larder/contract";
import type { FeatureRow, FeatureView } from "@larder/schema";
import { refuseBadRows } from "@larder/store-core";
import type { ServingContext } from "../serving-context.ts";

/** The rows of one request for one view. */
export interface ViewRows {
  readonly view: FeatureView;
  readonly rows: readonly FeatureRow[];
}

/**
 * Writes decoded rows, view by view. Everything is judged before the first view is written, so a refused request leaves no trace; a store
 * that fails half-way may have written some, and repeating the request is safe.
 * @throws INVALID_ROWS before anything is written; what the store throws
 */
export async function writeRows(
  { store, clock, metrics }: ServingContext,
  tenant: string,
  writes: readonly ViewRows[],
): Promise<WriteAnswer["views"]> {
  const now = clock.now();
  for (const { view, rows } of writes) refuseBadRows(view, rows, now);
  const views: WriteAnswer["views"] = [];
  for (const { view, rows } of writes) {
    const result = await store.write(view, rows, { tenant });
    metrics.countWrite(view.name, tenant, result);
    const { applied, duplicate, stale, expired, conflict } = result;
    views.push({ feature_view: view.name, rows: rows.length, applied, duplicate, stale, expired, conflict });
  }
  return views;
}

/** The columns of a frame that none of these views reads. */
export function ignoredColumns(views: readonly FeatureView[], columns: readonly string[]): string[] {
  const [first, ...others] = views.map((view) => new Set(view.rowDecoder.unknownColumns(columns)));
  return [...(first ?? [])].filter((column) => others.every((unknown) => unknown.has(column)));
}
