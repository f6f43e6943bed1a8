/** What travels with every call of a store. */
export interface Call {
  readonly tenant: string;
  /** Ends the wait with ABORTED. */
  readonly signal?: AbortSignal;
  /** Point on the `performance.now()` line (milliseconds, monotonic) at which the wait ends with STORE_TIMEOUT. Default: the store's own deadline. */
  readonly deadline?: number;
}
