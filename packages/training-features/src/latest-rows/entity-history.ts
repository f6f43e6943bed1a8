import { type Definitions, type FeatureView, findTenant, type KeyValue } from "@larder/schema";
import { ObjectStore } from "../object-store/object-store.ts";
import { checkValues } from "../offline/check-values.ts";
import { openDuckDb } from "../offline/duckdb-session.ts";
import { refuseChanges } from "../offline/file-state.ts";
import type { EngineCall } from "../offline/offline-engine.ts";
import { requireDuckDb } from "../offline/require-duckdb.ts";
import { scanSql } from "../offline/source-scan.ts";
import { openSourceTable } from "../offline/source-table.ts";
import { winnerOrder } from "../point-in-time/winner-order.ts";
import { keysAmong } from "./key-filter.ts";
import { compileRecordReader, type SourceRecord } from "./record-reader.ts";

/** Whose rows to read. */
export interface EntityHistoryRequest {
  readonly definitions: Definitions;
  readonly view: FeatureView;
  readonly tenant: string;
  /** In the order of `view.joinKeys`. */
  readonly entityKey: readonly KeyValue[];
  /** Most rows to read. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/** One entity's rows in the source. */
export interface EntityHistory {
  /** For `view.rowDecoder.decode`; the newest first, by the order in which a materialize prefers them. */
  readonly rows: readonly SourceRecord[];
  /** Whether there are more rows than these. */
  readonly more: boolean;
}

/**
 * Reads one entity's newest rows from a view's source, those dated ahead among them. Rows without an event time belong to no moment and are left out.
 *
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_MISMATCH, UNSUPPORTED, UNKNOWN_TENANT, MISSING_DEPENDENCY, OFFLINE_FAILED, ABORTED
 */
export async function readEntityHistory(request: EntityHistoryRequest): Promise<EntityHistory> {
  const { definitions, view, tenant, entityKey, limit, signal } = request;
  findTenant(definitions, tenant);
  requireDuckDb(definitions, "Looking an entity up in a source");
  await using engine = await openDuckDb();
  await using objects = new ObjectStore(definitions.offlineStore.s3);
  const table = await openSourceTable(engine, { definitions, view, tenant, objects, signal });
  const call: EngineCall = { subject: table.subject, signal };
  await checkValues(engine, table, view.features, {}, signal);
  const same = keysAmong([entityKey]);
  const scan = scanSql(table, { created: true, tombstone: true, features: view.features, range: {} });
  const reader = compileRecordReader(view);
  const sql = `SELECT ${reader.select} FROM (${scan}) WHERE ${same}
ORDER BY event DESC, ${winnerOrder(view.features)} LIMIT ${limit + 1}`;
  const rows: SourceRecord[] = [];
  for await (const batch of engine.batches(sql, call)) reader.read(batch, 0, batch.rowCount, rows);
  await refuseChanges(table.state, objects, signal);
  return { rows: rows.slice(0, limit), more: rows.length > limit };
}
