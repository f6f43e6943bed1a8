import type { DuckDBConnection } from "@duckdb/node-api";
import { readParquet } from "./sql-text.ts";

/** Where a source is damaged. */
export interface Damage {
  readonly file: string;
  /** undefined where the file's footer is what cannot be read. */
  readonly column: string | undefined;
}

/** A failing run may look for its reason so long, in milliseconds. */
const SEARCH_MS = 60_000;

/**
 * Looks for the file and column whose pages cannot be read, since DuckDB names neither in most of its messages: reads file after file, and then the
 * damaged one's columns one by one. undefined where every file can be read, or the search took too long or was cancelled.
 */
export async function findDamage(
  connection: DuckDBConnection,
  files: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Damage | undefined> {
  const stop = () => connection.interrupt();
  const timer = setTimeout(stop, SEARCH_MS);
  signal?.addEventListener("abort", stop);
  const ends = performance.now() + SEARCH_MS;
  const over = () => signal?.aborted === true || performance.now() >= ends;
  /** Whether a statement fails by itself. */
  const fails = async (sql: string): Promise<boolean> => {
    try {
      await connection.run(sql);
      return false;
    } catch {
      return !over();
    }
  };
  try {
    for (const file of files) {
      if (over()) return undefined;
      const from = readParquet([file]);
      if (await fails(`DESCRIBE SELECT * FROM ${from}`)) return { file, column: undefined };
      if (!(await fails(`SELECT max(hash(COLUMNS(*))) FROM ${from}`))) continue;
      const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
      for (const column of described.getColumnsJS()[0]?.map(String) ?? []) {
        if (await fails(`SELECT max(hash("${column.replaceAll('"', '""')}")) FROM ${from}`)) return { file, column };
      }
      return undefined;
    }
    return undefined;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}
