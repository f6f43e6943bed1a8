import { LarderError } from "@larder/schema";
import type { EngineCall, EngineRow, EngineValue, OfflineEngine } from "./offline-engine.ts";
import { fileList, readParquet } from "./sql-text.ts";

/** Files whose columns have the same names and types: they are read by one scan. */
export interface FileGroup {
  readonly files: readonly string[];
  /** Column -> DuckDB's type of it, in file order. */
  readonly columns: ReadonlyMap<string, string>;
}

/** Parquet files as their footers describe them. */
export interface ParquetFiles {
  readonly groups: readonly FileGroup[];
  /** Path -> number of rows. */
  readonly rows: ReadonlyMap<string, number>;
}

/**
 * Reads the footers of files. DuckDB alone would read several files by the first one's types and cast the others without a word, so files are
 * told apart by their schemas first.
 *
 * @throws SOURCE_UNREADABLE or ENTITY_ROWS_INVALID, by the call's subject
 */
export async function describeParquet(
  engine: OfflineEngine,
  files: readonly string[],
  call: EngineCall,
): Promise<ParquetFiles> {
  const footers = await engine.rows(
    `SELECT s.file_name AS file, any_value(m.num_rows) AS rows, md5(string_agg(part, chr(10) ORDER BY i)) AS hash, list(s.name) AS names
    FROM (SELECT *, row_number() OVER () AS i, CAST(to_json([${SCHEMA_COLUMNS}]) AS VARCHAR) AS part FROM parquet_schema(${fileList(files)})) AS s
    JOIN parquet_file_metadata(${fileList(files)}) AS m ON m.file_name = s.file_name
    GROUP BY s.file_name ORDER BY s.file_name`,
    call,
  );
  const bySchema = new Map<string, EngineRow[]>();
  for (const footer of footers) {
    const hash = String(footer["hash"]);
    bySchema.set(hash, [...(bySchema.get(hash) ?? []), footer]);
  }
  const groups: FileGroup[] = [];
  for (const group of bySchema.values()) {
    const paths = group.map((footer) => String(footer["file"]));
    groups.push({ files: paths, columns: await columnsOf(engine, paths[0]!, group[0]!["names"], call) });
  }
  const rows = new Map(footers.map((footer) => [String(footer["file"]), Number(footer["rows"])]));
  return { groups, rows };
}

const SCHEMA_COLUMNS = [
  "name",
  "type",
  "type_length",
  "num_children",
  "converted_type",
  "scale",
  "precision",
  "logical_type",
]
  .map((column) => `CAST(${column} AS VARCHAR)`)
  .join(", ");

async function columnsOf(
  engine: OfflineEngine,
  file: string,
  names: EngineValue | undefined,
  call: EngineCall,
): Promise<ReadonlyMap<string, string>> {
  const described = await engine.rows(`DESCRIBE SELECT * FROM ${readParquet([file])}`, call);
  const columns = new Map(described.map((row) => [String(row["column_name"]), String(row["column_type"])]));
  const written = new Set(names as readonly string[]);
  // DuckDB's names ignore case, so it renames the second of `Age` and `age`; nothing that is read by name may depend on that.
  const renamed = [...columns.keys()].find((name) => !written.has(name));
  if (renamed === undefined) return columns;
  const { subject } = call;
  const name = subject.kind === "source" ? (subject.nameOf?.(file) ?? file) : file;
  throw new LarderError(subject.kind === "entities" ? "ENTITY_ROWS_INVALID" : "SOURCE_MISMATCH", {
    what: `${name} has two columns of one name, if upper and lower case are not told apart ("${renamed}" is the second)`,
    remedy: "Rename one of them",
    facts: { file: name, ...(subject.kind === "source" ? { view: subject.view } : {}) },
  });
}
