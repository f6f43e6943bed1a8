import type { WriteAnswer } from "@larder/contract";
import { type FeatureRow, type FeatureView, isLarderError, LarderError, type Problem } from "@larder/schema";
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

/**
 * Decodes the rows of one request for each of its views, all or none.
 * @throws INVALID_ROWS with what is wrong for any view, as `decodeRows` lists it
 */
export function decodeForViews(
  views: readonly FeatureView[],
  decode: (view: FeatureView) => readonly FeatureRow[],
): ViewRows[] {
  const writes: ViewRows[] = [];
  const refusals: LarderError[] = [];
  for (const view of views) {
    try {
      writes.push({ view, rows: decode(view) });
    } catch (error) {
      if (!isLarderError(error) || error.code !== "INVALID_ROWS") throw error;
      refusals.push(error);
    }
  }
  const [first, ...more] = refusals;
  if (first === undefined) return writes;
  if (more.length === 0) throw first;
  throw joined(first, more);
}

/** One refusal for several views: join keys and times are wrong for each of them, and are told once. */
function joined(first: LarderError, more: readonly LarderError[]): LarderError {
  const problems = new Map<string, Problem>();
  const all = [first, ...more];
  for (const problem of all.flatMap((error) => error.problems)) {
    const key = JSON.stringify([problem.place, problem.field]);
    if (!problems.has(key)) problems.set(key, problem);
  }
  return new LarderError("INVALID_ROWS", {
    what: all.map(({ what }) => what).join(". "),
    remedy: first.remedy,
    facts: first.facts,
    problems: [...problems.values()].sort((a, b) => rowOf(a) - rowOf(b)),
  });
}

/** What is wrong with all rows comes first. */
function rowOf({ place }: Problem): number {
  return Number(/^row (\d+)$/.exec(place)?.[1] ?? -1);
}

/** The columns of a frame that none of these views reads. */
export function ignoredColumns(views: readonly FeatureView[], columns: readonly string[]): string[] {
  const [first, ...others] = views.map((view) => new Set(view.rowDecoder.unknownColumns(columns)));
  return [...(first ?? [])].filter((column) => others.every((unknown) => unknown.has(column)));
}
