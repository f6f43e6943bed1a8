import { LarderError } from "@larder/schema";
import type { DataType, Vector } from "apache-arrow";
import type { ColumnBatch, EngineValue } from "../offline/offline-engine.ts";

/** What of apache-arrow is needed to read results. */
export type ArrowReader = typeof import("apache-arrow");

/** A column of a query's result, with Spark's name of its type: `bigint`, `timestamp_ntz`, `array<double>`. */
export interface SparkColumn {
  readonly name: string;
  readonly type: string;
}

/** The columns of an Arrow IPC stream. */
export function columnsOf(arrow: ArrowReader, bytes: Uint8Array): SparkColumn[] {
  return arrow.tableFromIPC(bytes).schema.fields.map(({ name, type }) => ({ name, type: typeName(arrow, type) }));
}

/** The rows of an Arrow IPC stream as plain values; statements select times as BIGINT and exact text as BINARY. */
export function* columnBatches(arrow: ArrowReader, bytes: Uint8Array): Iterable<ColumnBatch> {
  for (const batch of arrow.tableFromIPC(bytes).batches) {
    const columns: EngineValue[][] = [];
    for (let i = 0; i < batch.numCols; i++) columns.push(valuesOf(batch.getChildAt(i) as Vector));
    if (batch.numRows > 0) yield { rowCount: batch.numRows, columns };
  }
}

function valuesOf(vector: Vector): EngineValue[] {
  const values: EngineValue[] = new Array(vector.length);
  for (let i = 0; i < vector.length; i++) values[i] = plainValue(vector.get(i));
  return values;
}

function plainValue(value: unknown): EngineValue {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === "boolean" || typeof value === "number") return value;
  if (typeof value === "bigint" || typeof value === "string") return value;
  // A list is a vector of its items.
  if (typeof value === "object" && Symbol.iterator in value) return Array.from(value as Iterable<unknown>, plainValue);
  throw new LarderError("INTERNAL", {
    what: "A statement selected a type that has no plain value",
    remedy: "Report this with the request that led to it",
  });
}

function typeName(arrow: ArrowReader, type: DataType): string {
  const { DataType: is } = arrow;
  if (is.isInt(type)) return { 8: "tinyint", 16: "smallint", 32: "int", 64: "bigint" }[type.bitWidth];
  if (is.isFloat(type)) return type.precision === arrow.Precision.SINGLE ? "float" : "double";
  if (is.isBool(type)) return "boolean";
  if (is.isUtf8(type) || is.isLargeUtf8(type)) return "string";
  if (is.isBinary(type) || is.isLargeBinary(type)) return "binary";
  if (is.isTimestamp(type)) return type.timezone ? "timestamp" : "timestamp_ntz";
  if (is.isDate(type)) return "date";
  if (is.isDecimal(type)) return `decimal(${type.precision},${type.scale})`;
  const [item] = is.isList(type) ? type.children : [];
  return item === undefined ? String(type) : `array<${typeName(arrow, item.type)}>`;
}
