import { type Clock, type Definitions, type FeatureView, findTenant, findView, LarderError } from "@larder/schema";
import type { OnlineStore } from "@larder/store-core";
import type { fingerprintSource, readLatestRows } from "@larder/training-features";
import type { Checkpoint } from "./checkpoint.ts";
import { materializeView, type ViewRun } from "./materialize-view.ts";
import { addCounts, type MaterializeReport, NO_COUNTS, type ViewReport } from "./report.ts";
import { aborted } from "./retry.ts";
import { checkWindow, type MaterializeWindow } from "./window.ts";

/** What a run works with. */
export interface MaterializeParts {
  readonly definitions: Definitions;
  readonly store: OnlineStore;
  readonly clock: Clock;
  /** Where the rows come from, and what tells one state of the files from another. Default: the offline store, through DuckDB. */
  readonly source?: LatestRowsSource;
}

/** The part of `@larder/training-features` that a run needs. */
export interface LatestRowsSource {
  readonly readLatestRows: typeof readLatestRows;
  readonly fingerprintSource: typeof fingerprintSource;
}

/** What to materialize. */
export interface MaterializeRequest extends MaterializeWindow {
  /** Default: every view with a batch source. */
  readonly views?: readonly string[];
  readonly tenant: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MaterializeProgress) => void;
  /** Rows per write and checkpoint. Default 2,000. */
  readonly chunkRows?: number;
  /** Waits between attempts while the store is away, in milliseconds. Default: 8 waits, about 25 s in all. */
  readonly retryDelaysMs?: readonly number[];
}

/** How far a run has come in the view it works on: in the search for latest rows, a share of 1; then in rows of all there are. */
export type MaterializeProgress =
  | { readonly view: string; readonly phase: "search"; readonly fraction: number }
  | {
      readonly view: string;
      readonly phase: "write";
      readonly rows: number;
      readonly total: number;
      /** Since this run began to write the view. */
      readonly rowsPerSecond: number;
    };

/**
 * Loads the latest row of every entity with an event time in the window into the online store, view by view, in chunks. Rows that cannot be used
 * are counted and listed; they never stop a run. A checkpoint in the online store is written after each chunk: after a kill, a failure of the
 * store or a cancel, a run with the same arguments continues there, unless files or definitions have changed.
 * @throws INVALID_REQUEST for a window that ends before it starts; UNKNOWN_VIEW, UNKNOWN_TENANT; SOURCE_… and OFFLINE_FAILED; STORE_TIMEOUT and
 * STORE_UNAVAILABLE when the store stays away; STORE_CONFLICT when another run works on the view; ABORTED
 */
export async function materialize(parts: MaterializeParts, request: MaterializeRequest): Promise<MaterializeReport> {
  const { definitions } = parts;
  const { start, end } = checkWindow(request);
  const { name: tenant } = findTenant(definitions, request.tenant);
  const views = viewsOf(definitions, request.views);
  const run: ViewRun = {
    ...parts,
    source: parts.source ?? (await import("@larder/training-features")),
    request: { ...request, start, end, tenant },
  };
  const reports: ViewReport[] = [];
  const checkpoints: Checkpoint[] = [];
  try {
    for (const view of views) {
      const { report, checkpoint } = await materializeView(run, view);
      reports.push(report);
      checkpoints.push(checkpoint);
    }
    // Only now: until the last view is done, a run that continues must not do the first ones again.
    for (const checkpoint of checkpoints) await checkpoint.remove();
  } catch (error) {
    if (request.signal?.aborted) throw aborted(request.signal);
    throw error;
  }
  const totals = reports.reduce(addCounts, NO_COUNTS);
  return { project: definitions.project, tenant, start, end, views: reports, totals };
}

function viewsOf(definitions: Definitions, names: readonly string[] | undefined): readonly FeatureView[] {
  if (names === undefined) {
    const views = [...definitions.views.values()].filter(({ source }) => source !== undefined);
    if (views.length > 0) return views;
    throw noSource("No feature view has a batch source");
  }
  return [...new Set(names)].map((name) => {
    const view = findView(definitions, name);
    if (view.source === undefined) throw noSource(`Feature view "${name}" has no batch source`);
    return view;
  });
}

function noSource(what: string): LarderError {
  return new LarderError("SOURCE_NOT_FOUND", {
    what,
    remedy: "Give the view a source with the path of its Parquet files, or push its rows",
    facts: { field: "views" },
  });
}
