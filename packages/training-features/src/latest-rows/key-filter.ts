import type { KeyValue } from "@larder/schema";
import { bigintLiteral, quoteBytes, quoteText } from "../offline/sql-text.ts";

/**
 * A condition that a scan's key columns, as `readKey` reads them, are one of some entity keys; with at least one. Besides whole keys it names each
 * column's values by themselves, which is what row groups are skipped by.
 */
export function keysAmong(keys: readonly (readonly KeyValue[])[]): string {
  const [first = []] = keys;
  if (keys.length === 1) return allOf(first.map((value, i) => keyEquals(`k${i}`, value)));
  const columns = first.flatMap((_, i) => among(`k${i}`, [...new Set(keys.map((key) => key[i]!))]));
  if (first.length < 2) return allOf(columns);
  const whole = keys.map((key) => `(${allOf(key.map((value, i) => keyEquals(`k${i}`, value)))})`);
  return allOf([...columns, `(${whole.join(" OR ")})`]);
}

function allOf(conditions: readonly string[]): string {
  return conditions.join(" AND ") || "true";
}

function among(column: string, values: readonly KeyValue[]): string {
  if (values.some((value) => value instanceof Uint8Array)) {
    return `(${values.map((value) => keyEquals(column, value)).join(" OR ")})`;
  }
  return `${column} IN (${values.map(literal).join(", ")})`;
}

function keyEquals(column: string, value: KeyValue): string {
  if (!(value instanceof Uint8Array)) return `${column} = ${literal(value)}`;
  // DuckDB 1.5.5 looks for a BLOB's escaped text in a file's bloom filter, and finds no rows (duckdb/duckdb#23053); it asks that filter for `=` only.
  const bytes = quoteBytes(value);
  return `(${column} >= ${bytes} AND ${column} <= ${bytes})`;
}

function literal(value: KeyValue): string {
  if (value instanceof Uint8Array) return quoteBytes(value);
  return typeof value === "string" ? quoteText(value) : bigintLiteral(BigInt(value));
}
