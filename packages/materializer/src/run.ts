import type { Clock, Definitions } from "@larder/schema";
import type { Call, OnlineStore } from "@larder/store-core";
import type { fingerprintSource, LateRows, readLatestRows } from "@larder/training-features";
import type { Pace } from "./pace.ts";
import type { MaterializeWindow } from "./window.ts";

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

/** What every run can be told, whatever its window. */
export interface RunRequest {
  /** Default: every view with a batch source. */
  readonly views?: readonly string[];
  readonly tenant: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MaterializeProgress) => void;
  /** Rows per write and checkpoint. Default 2,000. */
  readonly chunkRows?: number;
  /** Shared by all views of the run. Default: as fast as the store takes them. */
  readonly pace?: Pace;
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

/** Which rows of one view a run takes. */
export interface ViewPlan {
  readonly window: MaterializeWindow;
  /** Rows from before the window that came late; undefined: none. */
  readonly late: LateRows | undefined;
  /** The event times of which nothing is left to read after the run: what the view's position may be extended by. */
  readonly covered: MaterializeWindow;
}

/** A run, checked, with its source. */
export interface Run extends MaterializeParts {
  readonly source: LatestRowsSource;
  readonly request: RunRequest;
}

/** Meta is written by a run, not by a request: it gets longer than the store's own deadline. Milliseconds. */
const META_DEADLINE_MS = 10_000;

/** What a run's calls about meta say of their end. */
export function metaCall({ tenant, signal }: RunRequest): Call {
  return { tenant, deadline: performance.now() + META_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
}
