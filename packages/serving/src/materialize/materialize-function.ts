/** A run as a request asks for it. Times in microseconds, inclusive. */
export interface MaterializeRun {
  readonly window: { readonly start: number; readonly end: number } | { readonly incrementalTo: number };
  readonly tenant: string;
  /** At least one. */
  readonly views: readonly string[];
  /** Aborts when the server closes. */
  readonly signal: AbortSignal;
}

/** What became of the rows of one view. */
export interface MaterializedCounts {
  readonly view: string;
  readonly rows: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly stale: number;
  readonly expired: number;
  readonly conflict: number;
  readonly pastTtl: number;
  readonly refused: number;
}

/** What a run did. */
export interface MaterializeOutcome {
  readonly views: readonly MaterializedCounts[];
  readonly warnings: readonly string[];
}

/**
 * Loads rows from the offline store into the online store that is served from. It must leave the event loop free: requests are answered while it
 * runs.
 */
export type MaterializeFunction = (run: MaterializeRun) => Promise<MaterializeOutcome>;
