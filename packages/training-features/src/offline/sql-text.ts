/** An identifier, quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text literal. NUL cannot stand in a statement, so it is put together by `chr(0)`. */
export function quoteText(value: string): string {
  const parts = value.split("\0").map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? parts[0]! : `(${parts.join(" || chr(0) || ")})`;
}

/** A BLOB literal. */
export function quoteBytes(bytes: Uint8Array): string {
  return `unhex('${Buffer.from(bytes).toString("hex")}')`;
}

/** A BIGINT literal. The least one has no positive twin, so it is written as a cast text. */
export function bigintLiteral(value: bigint): string {
  return value === INT64_MIN ? "CAST('-9223372036854775808' AS BIGINT)" : `CAST(${value} AS BIGINT)`;
}

/** `read_parquet` over exactly these files: characters that DuckDB would take for a pattern are escaped. */
export function readParquet(files: readonly string[]): string {
  return `read_parquet(${fileList(files)}, hive_partitioning = false)`;
}

/** The files as a list literal for DuckDB's Parquet functions. */
export function fileList(files: readonly string[]): string {
  return `[${files.map((file) => quoteText(file.replace(/[[*?]/g, "[$&]"))).join(", ")}]`;
}

/** Statements that drop tables, whether or not they are there. */
export function dropTables(tables: readonly string[]): string {
  return tables.map((table) => `DROP TABLE IF EXISTS ${table}`).join("; ");
}

/** SQL of a time in microseconds as ISO 8601 text in UTC. */
export function timeText(sql: string): string {
  return `strftime(make_timestamp(${sql}), '%Y-%m-%dT%H:%M:%S.%fZ')`;
}

export const INT64_MIN = -(2n ** 63n);
