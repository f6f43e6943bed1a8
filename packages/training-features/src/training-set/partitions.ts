import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { LarderError } from "@larder/schema";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import { quoteName, quoteText } from "../offline/sql-text.ts";
import type { EntityRows } from "./entity-rows.ts";
import { PARQUET } from "./output-format.ts";
import { SPLIT_COLUMN } from "./split.ts";

/** Table of the whole training set while its parts are written. */
export const PARTITION_TABLE = "output_rows";

/** A file of a training set in parts. */
export interface PartitionFile {
  /** Below the set's folder, with forward slashes: `split=train/part-0.parquet`. */
  readonly path: string;
  readonly rows: number;
}

/** Folders of one training set: more than this is no partitioning but an index. */
const MAX_PARTITIONS = 1000;

/** Types whose values make names of folders. */
const NAMEABLE = /^(U?(TINY|SMALL|BIG)INT|U?INTEGER|BOOLEAN|VARCHAR|DATE)$/;

/**
 * @throws INVALID_REQUEST for columns that the training set does not have, twice the same, and join keys and time: these have too many values, and names of
 *   folders would tell them
 */
export function checkPartitions(
  columns: readonly string[],
  outputs: readonly string[],
  entities: Pick<EntityRows, "keys">,
  timestampColumn: string,
): void {
  for (const [i, column] of columns.entries()) {
    const why = !outputs.includes(column)
      ? "is no column of the training set"
      : columns.indexOf(column) !== i
        ? "is named twice"
        : entities.keys.has(column) || column === timestampColumn
          ? "is a join key or the time"
          : undefined;
    if (why !== undefined) throw badPartition(column, why, outputs);
  }
}

/**
 * Writes what a query answers into one file for each combination of the columns' values, `column=value/part-0.parquet` as Hive names them, in the query's
 * order within. The columns themselves are in the folders' names alone, as readers of such folders expect. Parts are in the order of their first row.
 *
 * @throws INVALID_REQUEST for a column of another type than whole numbers, text, booleans and dates, or more than 1000 parts; OUTPUT_UNWRITABLE, ABORTED
 */
export async function writePartitions(
  engine: OfflineEngine,
  sql: string,
  columns: readonly string[],
  folder: string,
  call: EngineCall,
): Promise<PartitionFile[]> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${PARTITION_TABLE} AS ${sql}`, call);
  await checkTypes(engine, columns, call);
  const texts = columns.map((column, i) => `CAST(${quoteName(column)} AS VARCHAR) AS p${i}`);
  const positions = columns.map((_, i) => `p${i}`).join(", ");
  const parts = await engine.rows(
    `SELECT ${positions}, count(*) AS n FROM (SELECT rowid AS row_no, ${texts.join(", ")} FROM ${PARTITION_TABLE}) GROUP BY ${positions}
ORDER BY min(row_no) LIMIT ${MAX_PARTITIONS + 1}`,
    call,
  );
  if (parts.length > MAX_PARTITIONS)
    throw badPartition(columns.join(", "), `has more than ${MAX_PARTITIONS} values`, []);
  const files: PartitionFile[] = [];
  const rest = `* EXCLUDE (${columns.map(quoteName).join(", ")})`;
  for (const part of parts) {
    const values = columns.map((_, i) => part[`p${i}`] as string | null);
    const path = values
      .map((value, i) => `${encoded(columns[i]!)}=${value === null ? NULL_FOLDER : encoded(value)}`)
      .join("/");
    const where = values.map((value, i) => {
      const text = `CAST(${quoteName(columns[i]!)} AS VARCHAR)`;
      return value === null ? `${text} IS NULL` : `${text} = ${quoteText(value)}`;
    });
    const file = `${path}/part-0.parquet`;
    await makeFolder(join(folder, path));
    await engine.run(
      `COPY (SELECT ${rest} FROM ${PARTITION_TABLE} WHERE ${where.join(" AND ")} ORDER BY rowid) TO ${quoteText(join(folder, file))} (${PARQUET}, USE_TMP_FILE false)`,
      { ...call, onProgress: undefined },
    );
    files.push({ path: file, rows: Number(part["n"]) });
    call.onProgress?.(files.length / parts.length);
  }
  return files;
}

async function checkTypes(engine: OfflineEngine, columns: readonly string[], call: EngineCall): Promise<void> {
  const described = await engine.rows(`DESCRIBE ${PARTITION_TABLE}`, call);
  for (const column of columns) {
    const type = String(described.find((row) => row["column_name"] === column)?.["column_type"]);
    if (!NAMEABLE.test(type)) throw badPartition(column, `is ${type}, whose values make no names of folders`, []);
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new LarderError("OUTPUT_UNWRITABLE", {
      what: `The folder of a part cannot be made (${cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)})`,
      remedy: "Partition by a column of short values, and choose a folder that can be written",
      facts: { file: path },
      cause,
    });
  }
}

/** What Hive calls a null. */
const NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__";

/** Text as one name of a folder, which every reader of Hive's folders decodes. */
function encoded(text: string): string {
  const hex = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  // A lone surrogate cannot come out of the engine, whose text is UTF-8.
  return encodeURIComponent(text).replace(/[!'()*~]/g, hex);
}

function badPartition(column: string, why: string, outputs: readonly string[]): LarderError {
  const named = outputs.length === 0 ? "" : `: ${outputs.slice(0, 20).join(", ")}`;
  return new LarderError("INVALID_REQUEST", {
    what: `partition_by: "${column}" ${why}`,
    remedy: `Name "${SPLIT_COLUMN}" of a split, or another column of few values${named}`,
    facts: { field: "partition_by", column },
  });
}
