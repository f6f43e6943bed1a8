import { type Definitions, type FeatureView, findTenant, formatTime, type KeyValue } from "@larder/schema";
import { ObjectStore } from "../object-store/object-store.ts";
import { batchSourceOf } from "../offline/batch-source.ts";
import { checkValues } from "../offline/check-values.ts";
import { refuseChanges } from "../offline/file-state.ts";
import type { EngineValue, OfflineEngine } from "../offline/offline-engine.ts";
import { requireDuckDb } from "../offline/require-duckdb.ts";
import { keyColumns, scanSql } from "../offline/source-scan.ts";
import { openSourceTable, type SourceTable } from "../offline/source-table.ts";
import { bigintLiteral, dropTables, timeText } from "../offline/sql-text.ts";
import { StatementRunner } from "../offline/statement-runner.ts";
import { noArrival } from "../point-in-time/join-spec.ts";
import { looksLikeLoadTime } from "../point-in-time/match-counts.ts";
import { winnerOrder } from "../point-in-time/winner-order.ts";
import { keysAmong } from "./key-filter.ts";
import { compileRecordReader, type SourceRecord } from "./record-reader.ts";

/** Whose rows to read, and as of when. Times in microseconds. */
export interface RowsAsOfRequest {
  readonly definitions: Definitions;
  readonly view: FeatureView;
  readonly tenant: string;
  /** Each in the order of `view.joinKeys`, and different from the others. */
  readonly entityKeys: readonly (readonly KeyValue[])[];
  readonly at: bigint;
  /** Rows of an earlier event time are of no interest. */
  readonly from: bigint | undefined;
  readonly engine: OfflineEngine;
  readonly signal?: AbortSignal | undefined;
}

/** What a source had at a time. */
export interface RowsAsOf {
  /** For `view.rowDecoder.decode`; at most one per entity key, in no stated order. */
  readonly rows: readonly SourceRecord[];
  /** The least event time of any entity of the tenant; looked for only where there are no rows. */
  readonly first: bigint | undefined;
}

/**
 * Reads the newest row that each of some entities had at a time, as a bitemporal join does: of the rows that had happened and, where the source tells
 * arrivals, had been created by then, the one that a materialize would have taken. Reads those entities' rows only, a tombstone like any other.
 *
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_MISMATCH, UNSUPPORTED, UNKNOWN_TENANT, CREATED_LOOKS_LIKE_LOAD_TIME, OFFLINE_FAILED, ABORTED
 */
export async function readRowsAsOf(request: RowsAsOfRequest): Promise<RowsAsOf> {
  const { definitions, view, tenant, entityKeys, at, from, engine, signal } = request;
  findTenant(definitions, tenant);
  requireDuckDb(definitions, "Reading features as of a time");
  if (entityKeys.length === 0) return { rows: [], first: undefined };
  await using objects = new ObjectStore(definitions.offlineStore.s3);
  const range = { from, to: at };
  const table = await openSourceTable(engine, { definitions, view, tenant, objects, range, signal });
  await checkValues(engine, table, view.features, range, signal);
  const runner = new StatementRunner(engine, table.subject, { signal });
  try {
    const scan = scanSql(table, { created: true, tombstone: true, features: view.features, range });
    await runner.run(
      `CREATE OR REPLACE TEMP TABLE happened AS SELECT * FROM (\n${scan}\n) WHERE ${keysAmong(entityKeys)}`,
    );
    const rows = await newest(table, request);
    await refuseLoadTimes(table, request, rows.length, runner);
    const first = rows.length > 0 ? undefined : await firstTime(request, objects);
    await refuseChanges(table.state, objects, signal);
    return { rows, first };
  } finally {
    await engine.run(dropTables(["happened"]), { subject: { kind: "plan" } });
  }
}

/** The newest row of each entity among those that had arrived. */
async function newest(table: SourceTable, { view, engine, at, signal }: RowsAsOfRequest): Promise<SourceRecord[]> {
  const reader = compileRecordReader(view);
  const rows: SourceRecord[] = [];
  const sql = `SELECT ${reader.select} FROM (
SELECT * FROM happened${tellsArrival(view) ? ` WHERE ${arrivedBy(at)}` : ""} ${newestOfEach(view)})`;
  for await (const batch of engine.batches(sql, { subject: table.subject, signal })) {
    reader.read(batch, 0, batch.rowCount, rows);
  }
  return rows;
}

/** A join of these entities at this time would refuse created times that hide most of what had happened; so does this. */
async function refuseLoadTimes(
  table: SourceTable,
  { view, entityKeys, engine, at, signal }: RowsAsOfRequest,
  bitemporal: number,
  runner: StatementRunner,
): Promise<void> {
  if (!tellsArrival(view) || batchSourceOf(view).createdMeans === "arrival") return;
  const keys = keyColumns(view.joinKeys.length).join(", ");
  const eventTime = await runner.count(`(SELECT DISTINCT ${keys} FROM happened)`);
  if (bitemporal * 2 >= eventTime) return;
  const reader = compileRecordReader(view);
  const sql = `SELECT ${reader.select}, ${timeText("event")} AS happened_at, ${timeText("created")} AS created_at FROM (
SELECT * FROM happened ANTI JOIN (SELECT DISTINCT ${keys} FROM happened WHERE ${arrivedBy(at)}) USING (${keys}) ${newestOfEach(view)} ORDER BY ${keys} LIMIT 1)`;
  for await (const batch of engine.batches(sql, { subject: table.subject, signal })) {
    const key = reader.keyOf(batch, 0).map(keyText);
    const row = entityKeys.findIndex((wanted) => wanted.every((value, i) => keyText(value) === key[i]));
    const [event, created] = batch.columns.slice(-2).map((column) => column[0]);
    throw looksLikeLoadTime(
      { view },
      { eventTime, bitemporal },
      {
        row,
        keys: view.joinKeys.map(({ name }, i) => `${name} ${String(entityKeys[row]?.[i])}`).join(", "),
        at: formatTime(Number(at)),
        event: String(event),
        created: created === null ? "at an unknown time" : String(created),
      },
    );
  }
}

/** When the tenant's first row of any entity happened, over all files. */
async function firstTime(
  { definitions, view, tenant, engine, signal }: RowsAsOfRequest,
  objects: ObjectStore,
): Promise<bigint | undefined> {
  const table = await openSourceTable(engine, { definitions, view, tenant, objects, signal });
  const call = { subject: table.subject, signal };
  const [found] = await engine.rows(`SELECT min(event) AS first FROM (${scanSql(table, { range: {} })})`, call);
  return (found?.["first"] as bigint | null | undefined) ?? undefined;
}

function tellsArrival(view: FeatureView): boolean {
  return noArrival(batchSourceOf(view)) === undefined;
}

function arrivedBy(at: bigint): string {
  return `created <= ${bigintLiteral(at)}`;
}

function newestOfEach(view: FeatureView): string {
  const keys = keyColumns(view.joinKeys.length).join(", ");
  return `QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY event DESC, ${winnerOrder(view.features)}) = 1`;
}

/** Equal for equal key values, whether they come from a request or from the engine, which hands text out as bytes. */
function keyText(value: KeyValue | EngineValue): string {
  return typeof value === "string" || value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value);
}
