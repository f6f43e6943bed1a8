import { type FeatureView, isListType, type KeyType, scalarOf, type ValueType } from "@larder/schema";
import { batchSourceOf } from "../offline/batch-source.ts";
import type { ColumnBatch, EngineValue } from "../offline/offline-engine.ts";
import { featureColumn, keyColumns } from "../offline/source-scan.ts";
import { sourceColumnOf } from "../offline/source-table.ts";

/** A row as the view's `rowDecoder` takes it: column -> value. */
export type SourceRecord = Readonly<Record<string, unknown>>;

/** How the table `latest` is read into records. */
export interface RecordReader {
  /** Columns to select from `latest`: the keys first, then event time, created time, tombstone and features. */
  readonly select: string;
  /** Appends a batch's rows to `records`. */
  read(batch: ColumnBatch, from: number, to: number, records: SourceRecord[]): void;
  /** The entity key of one row of a batch, as the engine gives it. */
  keyOf(batch: ColumnBatch, row: number): EngineValue[];
}

/**
 * Compiles the reader of a view. Records have the view's names for columns (the source's own where `field_mapping` gives that name to another
 * column), times as bigint microseconds, unix_timestamp as bigint seconds, int64 as bigint, bytes as `Uint8Array`, and the tombstone column as a
 * boolean.
 */
export function compileRecordReader(view: FeatureView): RecordReader {
  const source = batchSourceOf(view);
  const keys = keyColumns(view.joinKeys.length);
  const columns: { name: string | undefined; sql: string; convert: ((value: EngineValue) => unknown) | undefined }[] =
    [];
  const add = (name: string | undefined, sql: string, type: KeyType | ValueType) =>
    columns.push({
      name: name === undefined ? undefined : recordName(view, name),
      sql: exactSql(sql, type),
      convert: exactValue(type),
    });
  for (const [i, key] of keys.entries()) add(view.joinKeys[i]?.name, key, view.joinKeys[i]?.type ?? "int64");
  add(source.timestampField, "event", "int64");
  if (source.createdTimestampColumn !== undefined) add(source.createdTimestampColumn, "created", "int64");
  if (source.tombstoneColumn !== undefined) {
    columns.push({ name: source.tombstoneColumn, sql: "tombstone", convert: undefined });
  }
  for (const feature of view.features) add(feature.name, featureColumn(feature), feature.type);
  const named = columns.flatMap(({ name, convert }, index) => (name === undefined ? [] : [{ name, convert, index }]));
  return {
    select: columns.map(({ sql }) => sql).join(", "),
    keyOf: (batch, row) => view.joinKeys.map((_, i) => batch.columns[i]![row]!),
    read: (batch, from, to, records) => {
      const values = named.map(({ convert, index }) => {
        const column = batch.columns[index]!.slice(from, to);
        return convert === undefined ? column : column.map((value) => (value === null ? null : convert(value)));
      });
      for (let row = 0; row < to - from; row++) {
        const record: Record<string, unknown> = {};
        for (let i = 0; i < named.length; i++) record[named[i]!.name] = values[i]![row];
        records.push(record);
      }
    },
  };
}

/** The name under which the decoder takes a column: the view's, unless the mapping has made that name another column's. */
function recordName(view: FeatureView, name: string): string {
  const mapped = batchSourceOf(view).fieldMapping.get(name) ?? name;
  return mapped === name ? name : sourceColumnOf(view, name);
}

/** The engine's own text drops a byte order mark at the start, so text travels as bytes. */
function exactSql(sql: string, type: ValueType): string {
  if (scalarOf(type) !== "string") return sql;
  return isListType(type) ? `list_transform(${sql}, lambda e: encode(e))` : `encode(${sql})`;
}

function exactValue(type: ValueType): ((value: EngineValue) => unknown) | undefined {
  if (scalarOf(type) !== "string") return undefined;
  return isListType(type)
    ? (value) => (value as readonly Uint8Array[]).map(textOf)
    : (value) => textOf(value as Uint8Array);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
