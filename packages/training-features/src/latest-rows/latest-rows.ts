import type { Definitions, FeatureView } from "@larder/schema";
import { findTenant } from "@larder/schema";
import { ObjectStore, readerNotice } from "../object-store/object-store.ts";
import { checkValues } from "../offline/check-values.ts";
import { openDuckDb } from "../offline/duckdb-session.ts";
import { refuseChanges } from "../offline/file-state.ts";
import type { PartitionRange } from "../offline/hive-partition.ts";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import type { LateRows, TimeRange } from "../offline/source-scan.ts";
import { openSourceTable, type SourceTable } from "../offline/source-table.ts";
import { dropTables } from "../offline/sql-text.ts";
import { StatementRunner } from "../offline/statement-runner.ts";
import { latestSql, newestSql, unusableSql } from "./build-latest-sql.ts";
import { compileRecordReader, type SourceRecord } from "./record-reader.ts";
import { afterToken, tokenOf } from "./resume-token.ts";

/** Which latest rows to read. */
export interface LatestRowsRequest {
  readonly definitions: Definitions;
  readonly view: FeatureView;
  readonly tenant: string;
  /** Event times in microseconds, inclusive at both ends. Created time does not filter, unless `late` says so. */
  readonly start: bigint;
  readonly end: bigint;
  /** Takes rows from before `start` too, where their created time shows that they came late; none without a created column. Default: none. */
  readonly late?: LateRows | undefined;
  /** Rows per chunk. Default 10,000. */
  readonly chunkRows?: number | undefined;
  /** Continues after the chunk that had this token. */
  readonly after?: string | undefined;
  /** An open session to use; by default one is opened and closed. */
  readonly engine?: OfflineEngine | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Share of the search that is done, 0 to 1, before the first chunk; chunks then count themselves. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/** Rows in the order of their entity keys. */
export interface LatestRowsChunk {
  /** For `view.rowDecoder.decode`, which also sees the tombstone flag. */
  readonly rows: readonly SourceRecord[];
  /** Resumes after this chunk; undefined only in the one empty chunk of a reading without rows. */
  readonly after: string | undefined;
  /** Rows handed out with this chunk, those before a resume token among them, of `total`. */
  readonly done: number;
  readonly total: number;
  /** The same in every chunk. */
  readonly unusable: UnusableRows;
  /** Says so where objects had to be copied, since httpfs does not load; the same in every chunk. */
  readonly notice?: string | undefined;
}

/** Rows of the source that belong to no entity or to no moment. */
export interface UnusableRows {
  /** Rows of the window without a value for a join key. */
  readonly nullKeys: number;
  /** Rows without event time, of the whole source: no window holds them. */
  readonly nullTimes: number;
  /** The first few, by file and row. */
  readonly examples: readonly UnusableRow[];
}

/** Where an unusable row is. */
export interface UnusableRow {
  /** Absolute path, or an object's address. */
  readonly file: string;
  /** Position in the file, from 0. */
  readonly row: number;
  readonly lacks: "join key" | "event time";
}

const EXAMPLES = 10;

/**
 * Reads the latest row of every entity with an event time in a window: latest event time, then created time, then tombstone over row, then the greatest
 * values, as in a point-in-time join. Yields at least one chunk, which is empty when the window is. A run that is resumed by a token goes on exactly
 * where it stopped, if the files are the same ({@link fingerprintSource}).
 *
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_MISMATCH, UNSUPPORTED, UNKNOWN_TENANT, INVALID_REQUEST for a foreign token, MISSING_DEPENDENCY,
 *   OFFLINE_FAILED, ABORTED
 */
export async function* readLatestRows(request: LatestRowsRequest): AsyncIterable<LatestRowsChunk> {
  findTenant(request.definitions, request.tenant);
  if (request.engine !== undefined) {
    yield* readWith(request.engine, request);
    return;
  }
  await using own = await openDuckDb();
  yield* readWith(own, request);
}

async function* readWith(engine: OfflineEngine, request: LatestRowsRequest): AsyncIterable<LatestRowsChunk> {
  const { definitions, view, tenant, signal, chunkRows = 10_000 } = request;
  const types = view.joinKeys.map(({ type }) => type);
  const after = request.after === undefined ? undefined : afterToken(types, request.after);
  await using objects = new ObjectStore(definitions.offlineStore.s3);
  const range = rangeOf(request);
  const table = await openSourceTable(engine, { definitions, view, tenant, objects, range: earliest(range), signal });
  const call: EngineCall = { subject: table.subject, signal };
  try {
    const { total, before, unusable } = await prepare(engine, table, request, after);
    await refuseChanges(table.state, objects, signal);
    const notice = objects.reader?.reason === undefined ? undefined : readerNotice(objects.reader);
    const reader = compileRecordReader(view);
    let rows: SourceRecord[] = [];
    let done = before;
    let last: string | undefined;
    for await (const batch of engine.batches(`SELECT ${reader.select} FROM latest`, call)) {
      for (let from = 0; from < batch.rowCount; ) {
        const to = Math.min(batch.rowCount, from + chunkRows - rows.length);
        reader.read(batch, from, to, rows);
        last = tokenOf(types, reader.keyOf(batch, to - 1));
        from = to;
        if (rows.length < chunkRows) continue;
        done += rows.length;
        yield { rows, after: last, done, total, unusable, notice };
        rows = [];
      }
    }
    if (rows.length > 0 || done === before) {
      done += rows.length;
      yield { rows, after: last ?? request.after, done, total, unusable, notice };
    }
  } finally {
    await engine.run(dropTables(["newest", "latest"]), { subject: { kind: "plan" } });
  }
}

interface Prepared {
  readonly total: number;
  /** Rows that a resume token leaves out. */
  readonly before: number;
  readonly unusable: UnusableRows;
}

function rangeOf({ start, end, late }: LatestRowsRequest): TimeRange {
  return { from: start, to: end, late };
}

/** The range of all rows that may be of interest, late ones among them. */
function earliest({ from, to, late }: TimeRange): PartitionRange {
  return { from: late === undefined || from === undefined || from < late.from ? from : late.from, to };
}

/** Makes the table `latest`. After this no file is read any more. */
async function prepare(
  engine: OfflineEngine,
  table: SourceTable,
  request: LatestRowsRequest,
  after: string | undefined,
): Promise<Prepared> {
  const { view, signal } = request;
  const range = rangeOf(request);
  await checkValues(engine, table, view.features, range, signal);
  const runner = new StatementRunner(engine, table.subject, request);
  const unusable = await findUnusable(table, range, runner);
  await runner.run(newestSql(table, range), 0.4);
  const total = await runner.count("newest");
  const before = after === undefined ? 0 : await runner.count(`newest WHERE NOT ${after}`);
  await runner.run(latestSql(table, range, after), 0.6);
  return { total, before, unusable };
}

async function findUnusable(table: SourceTable, range: TimeRange, runner: StatementRunner): Promise<UnusableRows> {
  const union = table.groups.map((group) => unusableSql(table, group, range)).join("\nUNION ALL\n");
  const counts = await runner.row(
    `SELECT count(*) FILTER (no_time) AS times, count(*) FILTER (NOT no_time) AS keys FROM (${union})`,
  );
  const nullTimes = Number(counts["times"]);
  const nullKeys = Number(counts["keys"]);
  if (nullTimes + nullKeys === 0) return { nullKeys, nullTimes, examples: [] };
  const found = await runner.rows(`SELECT * FROM (${union}) ORDER BY file, row LIMIT ${EXAMPLES}`);
  const examples = found.map((row) => ({
    file: table.nameOf(String(row["file"])),
    row: Number(row["row"]),
    lacks: row["no_time"] === true ? ("event time" as const) : ("join key" as const),
  }));
  return { nullKeys, nullTimes, examples };
}
