import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import {
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  FLOAT,
  UINTEGER,
} from "@duckdb/node-api";
import type { History, LabelRow } from "./history.ts";
import { invoiceNumber, type PublishedRow, VIEWS, type ViewColumn } from "./views.ts";

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

/**
 * A column of a file. Values go into DuckDB as plain numbers, which is several times faster than texts, bigints and timestamps; `read` is the SQL
 * that makes of them what the file holds.
 */
interface Column<Row> {
  readonly name: string;
  readonly type: DuckDBType;
  value(row: Row): number | boolean | null;
  read(): string;
}

const ROW_COLUMNS: readonly Column<PublishedRow>[] = [
  integer("customer_id", (row) => row.customerId),
  instant("event_timestamp", (row) => row.eventTime),
  instant("created", (row) => row.created),
  flag("deleted", (row) => row.features === undefined),
];

const LABEL_COLUMNS: readonly Column<LabelRow>[] = [
  integer("customer_id", (row) => row.customerId),
  instant("event_timestamp", (row) => row.eventTime),
  flag("churn", (row) => row.churn),
];

function featureColumn(column: ViewColumn): Column<PublishedRow> {
  switch (column.type) {
    case "FLOAT":
      return {
        name: column.name,
        type: FLOAT,
        value: (row) => row.features?.[column.name] ?? null,
        read: () => column.name,
      };
    case "VARCHAR":
      return text(column.name, (row) => row.features?.[column.name]);
    case "BIGINT":
      return integer(column.name, (row) => (row.features === undefined ? null : invoiceNumber(row)));
  }
}

/** Whole numbers that a double holds exactly. */
function integer<Row>(name: string, value: (row: Row) => number | null): Column<Row> {
  return { name, type: DOUBLE, value, read: () => `${name}::BIGINT` };
}

function instant<Row>(name: string, millis: (row: Row) => number): Column<Row> {
  return { name, type: DOUBLE, value: (row) => millis(row) / 1000, read: () => `to_timestamp(${name})` };
}

function flag<Row>(name: string, value: (row: Row) => boolean): Column<Row> {
  return { name, type: BOOLEAN, value, read: () => name };
}

/** A text is its place in the list of all texts of the column. */
function text<Row>(name: string, value: (row: Row) => string | undefined): Column<Row> {
  const places = new Map<string, number>();
  return {
    name,
    type: UINTEGER,
    value: (row) => {
      const found = value(row);
      if (found === undefined) return null;
      const place = places.get(found) ?? places.size + 1;
      places.set(found, place);
      return place;
    },
    read: () => `list_extract([${[...places.keys()].map(quoted).join(", ")}]::VARCHAR[], ${name})`,
  };
}

function quoted(sql: string): string {
  return `'${sql.replaceAll("'", "''")}'`;
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
  const selected = columns.map((column) => `${column.read()} AS ${column.name}`).join(", ");
  await connection.run(`COPY (SELECT ${selected} FROM rows) TO ${quoted(partial)} (FORMAT parquet, COMPRESSION zstd)`);
  await rename(partial, path);
}
