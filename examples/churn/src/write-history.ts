import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import {
  BIGINT,
  BOOLEAN,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBTimestampTZValue,
  type DuckDBType,
  type DuckDBValue,
  FLOAT,
  TIMESTAMPTZ,
  VARCHAR,
} from "@duckdb/node-api";
import type { History, LabelRow } from "./history.ts";
import { columnValue, type PublishedRow, VIEWS, type ViewColumn } from "./views.ts";

/** One file that was written; `path` is relative to the folder. */
export interface WrittenFile {
  readonly path: string;
  readonly rows: number;
}

/**
 * Writes the history as Parquet under `folder`: `<view>/history.parquet`, `<view>/late.parquet` and `labels.parquet`. Equal histories give
 * equal bytes: one thread, rows in the given order. A file appears under its name only when it is whole.
 */
export async function writeHistory(history: History, folder: string): Promise<readonly WrittenFile[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const written: WrittenFile[] = [];
  const write = async <Row>(columns: readonly Column<Row>[], rows: readonly Row[], path: string): Promise<void> => {
    await writeParquet(connection, columns, rows, join(folder, path));
    written.push({ path, rows: rows.length });
  };
  try {
    for (const view of VIEWS) {
      const rows = history.rows.get(view.name) ?? [];
      const columns = [...ROW_COLUMNS, ...view.columns.map(featureColumn)];
      await mkdir(join(folder, view.name), { recursive: true });
      const { history: prompt = [], late = [] } = Object.groupBy(rows, (row) => (row.late ? "late" : "history"));
      await write(columns, prompt, join(view.name, "history.parquet"));
      await write(columns, late, join(view.name, "late.parquet"));
    }
    await write(LABEL_COLUMNS, history.labels, "labels.parquet");
    return written;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A column of a file: its type, and its value in a row. */
interface Column<Row> {
  readonly name: string;
  readonly type: DuckDBType;
  value(row: Row): DuckDBValue;
}

const ROW_COLUMNS: readonly Column<PublishedRow>[] = [
  { name: "customer_id", type: BIGINT, value: (row) => BigInt(row.customerId) },
  { name: "event_timestamp", type: TIMESTAMPTZ, value: (row) => instant(row.eventTime) },
  { name: "created", type: TIMESTAMPTZ, value: (row) => instant(row.created) },
  { name: "deleted", type: BOOLEAN, value: (row) => row.features === undefined },
];

const LABEL_COLUMNS: readonly Column<LabelRow>[] = [
  { name: "customer_id", type: BIGINT, value: (row) => BigInt(row.customerId) },
  { name: "event_timestamp", type: TIMESTAMPTZ, value: (row) => instant(row.eventTime) },
  { name: "churn", type: BOOLEAN, value: (row) => row.churn },
];

const TYPES = { FLOAT, VARCHAR, BIGINT };

function featureColumn(column: ViewColumn): Column<PublishedRow> {
  return { name: column.name, type: TYPES[column.type], value: (row) => columnValue(column, row) };
}

function instant(millis: number): DuckDBTimestampTZValue {
  return new DuckDBTimestampTZValue(BigInt(millis) * 1000n);
}

/** Rows per chunk: DuckDB's vector size. */
const CHUNK = 2048;

async function writeParquet<Row>(
  connection: DuckDBConnection,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  path: string,
): Promise<void> {
  const declared = columns.map((column) => `${column.name} ${column.type.toString()}`).join(", ");
  await connection.run(`CREATE OR REPLACE TABLE rows (${declared})`);
  const appender = await connection.createAppender("rows");
  const chunk = DuckDBDataChunk.create(columns.map((column) => column.type));
  for (let start = 0; start < rows.length; start += CHUNK) {
    const some = rows.slice(start, start + CHUNK);
    chunk.reset();
    chunk.setColumns(columns.map((column) => some.map(column.value)));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
  const partial = `${path}.partial`;
  await connection.run(`COPY rows TO '${partial.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`);
  await rename(partial, path);
}
