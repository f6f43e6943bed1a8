import { type OfflineEngine, openDuckDb } from "../../src/index.ts";

const plan = { subject: { kind: "plan" } } as const;

/** A table written by SQL, for tests: `SELECT …` to a Parquet file. */
export async function writeParquet(engine: OfflineEngine, path: string, select: string, options = ""): Promise<void> {
  await engine.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet${options})`, plan);
}

/** The columns of a Parquet file, name and DuckDB type, in order. */
export async function parquetColumns(engine: OfflineEngine, path: string): Promise<[string, string][]> {
  const rows = await engine.rows(`DESCRIBE SELECT * FROM read_parquet('${path.replaceAll("'", "''")}')`, plan);
  return rows.map((row) => [String(row["column_name"]), String(row["column_type"])]);
}

/** The rows of a Parquet file in file order. Times are text with every digit; the rest as it is. */
export async function parquetRows(engine: OfflineEngine, path: string): Promise<Record<string, unknown>[]> {
  const columns = await parquetColumns(engine, path);
  const select = columns.map(([name, type]) => {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    if (type === "TIMESTAMP_NS") return `epoch_ns(${quoted}) AS ${quoted}`;
    if (type === "HUGEINT" || type.startsWith("DECIMAL")) return `CAST(${quoted} AS VARCHAR) AS ${quoted}`;
    if (type.startsWith("TIMESTAMP") && type.endsWith("[]"))
      return `list_transform(${quoted}, lambda e: epoch_us(e)) AS ${quoted}`;
    return type.startsWith("TIMESTAMP") ? `epoch_us(${quoted}) AS ${quoted}` : quoted;
  });
  return engine.rows(`SELECT ${select.join(", ")} FROM read_parquet('${path.replaceAll("'", "''")}')`, plan);
}

/** Opens a small engine for one test file. */
export function testEngine(threads = 1): Promise<OfflineEngine> {
  return openDuckDb({ threads, memoryLimitBytes: 512 * 1024 * 1024 });
}
