import { decodeRows, type FeatureView } from "@larder/schema";
import type { Call, OnlineStore, WriteResult } from "@larder/store-core";

/** What became of pushed rows; `outcomes[i]` belongs to row i. */
export interface PushResult extends WriteResult {
  /** Columns of the rows that the view does not read. */
  readonly ignoredColumns: readonly string[];
}

/**
 * Checks all rows, then writes them.
 * @throws INVALID_ROWS with every problem, before anything is written
 */
export async function pushRows(
  store: OnlineStore,
  view: FeatureView,
  records: readonly Readonly<Record<string, unknown>>[],
  call: Call,
): Promise<PushResult> {
  const rows = decodeRows(view, records);
  const deadline = rows.length > MANY_ROWS ? { deadline: performance.now() + MANY_ROWS_DEADLINE_MS } : {};
  const result = await store.write(view, rows, { ...call, ...deadline });
  const columns = new Set(records.flatMap((record) => Object.keys(record)));
  return { ...result, ignoredColumns: view.rowDecoder.unknownColumns([...columns]) };
}

/** The store's own deadline is for requests; more rows than a request brings get longer. Milliseconds. */
const MANY_ROWS = 1_000;
const MANY_ROWS_DEADLINE_MS = 30_000;
