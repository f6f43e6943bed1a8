/** A join as a request asks for it; names are of the definitions that are served. */
export interface HistoricalRun {
  readonly tenant: string;
  /** `view:feature`, in answer order; or else a feature service. */
  readonly features: readonly string[] | undefined;
  readonly featureService: string | undefined;
  readonly fullFeatureNames: boolean;
  readonly asOf: "bitemporal" | "event_time";
  /** Column with the rows' time. */
  readonly timestampColumn: string;
  /** A Parquet file, which is there until the run has ended; or rows as the request brought them. */
  readonly entities: { readonly parquet: string } | { readonly rows: readonly object[] };
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * Joins entity rows with features and hands out an Arrow IPC stream. The first bytes come when the join is done, so that what fails before has a
 * status; what fails later throws, without the mark of the stream's end. It reads no further than it is asked to, must leave the event loop free, and
 * has let go of its memory when it has ended.
 */
export type HistoricalFunction = (run: HistoricalRun) => AsyncIterable<Uint8Array>;
