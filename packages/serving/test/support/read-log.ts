import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBValue } from "@duckdb/node-api";

export type LogRow = Readonly<Record<string, DuckDBValue>>;

/** The names of the files of a log that are whole, oldest first. */
export async function logFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /^served-.*\.parquet$/.test(name)).sort();
}

/** The rows of the files, as DuckDB reads them, in order; `served_at` as microseconds. */
export async function readLog(folder: string): Promise<LogRow[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    const rows: LogRow[] = [];
    for (const name of await logFiles(folder)) {
      const result = await connection.runAndReadAll(
        `SELECT * REPLACE (epoch_us(served_at) AS served_at) FROM read_parquet('${join(folder, name)}')`,
      );
      rows.push(...result.getRowObjects());
    }
    return rows;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
