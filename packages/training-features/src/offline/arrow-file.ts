import { createWriteStream } from "node:fs";
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { LarderError } from "@larder/schema";
import type { Data, DataType, RecordBatch, Vector } from "apache-arrow";
import { aborted } from "./duckdb-error.ts";
import type { EngineCall, EngineValue, OfflineEngine } from "./offline-engine.ts";
import { quoteName } from "./sql-text.ts";

type Arrow = typeof import("apache-arrow");

/** A column as it is selected and written. */
interface ArrowColumn {
  readonly name: string;
  /** Expression that hands out plain values. */
  readonly sql: string;
  readonly type: DataType;
}

/**
 * Writes what a query answers as an Arrow IPC file, the format that pandas and polars call Feather; batch by batch, in its order.
 * @throws UNSUPPORTED for a column of a type that is not written; OUTPUT_UNWRITABLE, ABORTED, OFFLINE_FAILED
 */
export async function writeArrowFile(
  engine: OfflineEngine,
  sql: string,
  path: string,
  call: EngineCall,
): Promise<void> {
  const arrow = await import("apache-arrow");
  await write(engine, sql, call, arrow, arrow.RecordBatchFileWriter.throughNode() as Transform, path);
}

async function write(
  engine: OfflineEngine,
  sql: string,
  call: EngineCall,
  arrow: Arrow,
  writer: Transform,
  path: string,
): Promise<void> {
  const batches = recordBatches(engine, sql, call, arrow);
  try {
    await pipeline(Readable.from(batches, { highWaterMark: 1 }), writer, createWriteStream(path), {
      signal: call.signal,
    });
  } catch (error) {
    if (call.signal?.aborted === true) throw aborted(call.signal.reason);
    if (error instanceof LarderError) throw error;
    throw new LarderError("OUTPUT_UNWRITABLE", {
      what: `${path} cannot be written (${error instanceof Error ? error.message : String(error)})`,
      remedy: "Choose a folder that exists and can be written, with room on its disk",
      facts: { file: path },
      cause: error,
    });
  }
}

/** The answer as record batches; one of no rows where there are none, for the schema. */
export async function* recordBatches(
  engine: OfflineEngine,
  sql: string,
  call: EngineCall,
  arrow: Arrow,
): AsyncIterable<RecordBatch> {
  const columns = await describeColumns(engine, sql, call, arrow);
  const select = columns.map(({ name, sql: value }) => `${value} AS ${quoteName(name)}`).join(", ");
  const batchOf = (values: readonly (readonly EngineValue[])[]): RecordBatch => {
    const vectors = columns.map(({ name, type }, i) => [name, vectorOf(arrow, type, values[i] ?? [])] as const);
    return new arrow.Table(Object.fromEntries(vectors)).batches[0] as RecordBatch;
  };
  let any = false;
  for await (const batch of engine.batches(`SELECT ${select} FROM (\n${sql}\n)`, call)) {
    any = true;
    yield batchOf(batch.columns);
  }
  if (!any) yield batchOf([]);
}

async function describeColumns(
  engine: OfflineEngine,
  sql: string,
  call: EngineCall,
  arrow: Arrow,
): Promise<ArrowColumn[]> {
  const rows = await engine.rows(`DESCRIBE ${sql}`, call);
  return rows.map((row) => {
    const name = String(row["column_name"]);
    const found = String(row["column_type"]);
    const scalar = found.endsWith("[]") ? found.slice(0, -2) : found;
    const item = scalarOf(arrow, scalar);
    if (item === undefined) {
      throw new LarderError("UNSUPPORTED", {
        what: `Column "${name}" is ${found}, which is not written as Arrow`,
        remedy: "Write Parquet, or leave the column out of the entity rows",
        facts: { column: name },
      });
    }
    const column = quoteName(name);
    if (scalar === found) return { name, sql: item.sql(column), type: item.type };
    const list = new arrow.List(new arrow.Field("item", item.type, true));
    return { name, sql: `list_transform(${column}, lambda e: ${item.sql("e")})`, type: list };
  });
}

function scalarOf(arrow: Arrow, found: string): { type: DataType; sql: (column: string) => string } | undefined {
  const same = (column: string): string => column;
  switch (found) {
    case "BOOLEAN":
      return { type: new arrow.Bool(), sql: same };
    case "TINYINT":
    case "SMALLINT":
    case "INTEGER":
      return { type: new arrow.Int32(), sql: (column) => `CAST(${column} AS INTEGER)` };
    case "UTINYINT":
    case "USMALLINT":
    case "UINTEGER":
    case "BIGINT":
      return { type: new arrow.Int64(), sql: (column) => `CAST(${column} AS BIGINT)` };
    case "FLOAT":
      return { type: new arrow.Float32(), sql: same };
    case "DOUBLE":
      return { type: new arrow.Float64(), sql: same };
    case "VARCHAR":
      return { type: new arrow.Utf8(), sql: same };
    case "BLOB":
      return { type: new arrow.Binary(), sql: same };
    case "DATE":
      return { type: new arrow.DateDay(), sql: (column) => `date_diff('day', DATE '1970-01-01', ${column})::INTEGER` };
    case "TIMESTAMP":
      return { type: new arrow.TimestampMicrosecond(), sql: (column) => `epoch_us(${column})` };
    case "TIMESTAMP WITH TIME ZONE":
      return { type: new arrow.TimestampMicrosecond("UTC"), sql: (column) => `epoch_us(${column})` };
    default:
      return undefined;
  }
}

/**
 * Days and microseconds are written as the integers they are and then called what they mean: the library's builders would take them for milliseconds.
 */
function vectorOf(arrow: Arrow, type: DataType, values: readonly EngineValue[]): Vector {
  const { data } = arrow.vectorFromArray(values, storageOf(arrow, type));
  return new arrow.Vector(data.map((each) => retyped(each, type)));
}

function storageOf(arrow: Arrow, type: DataType): DataType {
  if (arrow.DataType.isTimestamp(type)) return new arrow.Int64();
  if (arrow.DataType.isDate(type)) return new arrow.Int32();
  const [item] = arrow.DataType.isList(type) ? type.children : [];
  return item === undefined ? type : new arrow.List(new arrow.Field(item.name, storageOf(arrow, item.type), true));
}

function retyped(data: Data, type: DataType): Data {
  const children = data.children.map((child, i) => retyped(child, type.children[i]?.type as DataType));
  return data.clone(type, data.offset, data.length, data.nullCount, data.buffers, children);
}
