import { isListType, type ScalarType, SERVED_LOG_META, type ServedLogDescription, scalarOf } from "@larder/schema";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { LogColumn, LogType, LogValue } from "./log-shape.ts";

type SchemaElement = NonNullable<Parameters<typeof parquetWriteBuffer>[0]["schema"]>[number];

/** Encodes rows as one Parquet file, exactly: int64, times to the microsecond, NaN, lists. It describes itself under {@link SERVED_LOG_META}. */
export function parquetBytes(
  description: ServedLogDescription,
  columns: readonly LogColumn[],
  rows: readonly (readonly LogValue[])[],
): Uint8Array {
  const schema: SchemaElement[] = [{ name: "root", num_children: columns.length }];
  for (const { name, type } of columns) schema.push(...elements(name, type));
  const bytes = parquetWriteBuffer({
    schema,
    columnData: columns.map(({ name }, i) => ({ name, data: rows.map((row) => row[i] ?? null) })),
    rowGroupSize: Math.max(rows.length, 1),
    kvMetadata: [{ key: SERVED_LOG_META, value: JSON.stringify(description) }],
    createdBy: "larder",
  });
  return new Uint8Array(bytes);
}

function elements(name: string, type: LogType): SchemaElement[] {
  if (type === "micros") return [{ name, repetition_type: "OPTIONAL", ...MICROS }];
  if (!isListType(type)) return [{ name, repetition_type: "OPTIONAL", ...PHYSICAL[type] }];
  return [
    {
      name,
      repetition_type: "OPTIONAL",
      num_children: 1,
      converted_type: "LIST",
      logical_type: { type: "LIST" },
    },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "OPTIONAL", ...PHYSICAL[scalarOf(type)] },
  ];
}

const MICROS = {
  type: "INT64",
  converted_type: "TIMESTAMP_MICROS",
  logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
} as const satisfies Partial<SchemaElement>;

/** A unix_timestamp stays what it is, seconds: not every one is an instant that Parquet can say. */
const PHYSICAL = {
  int32: { type: "INT32" },
  int64: { type: "INT64" },
  float32: { type: "FLOAT" },
  float64: { type: "DOUBLE" },
  bool: { type: "BOOLEAN" },
  string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  bytes: { type: "BYTE_ARRAY" },
  unix_timestamp: { type: "INT64" },
} as const satisfies Readonly<Record<ScalarType, Partial<SchemaElement>>>;
