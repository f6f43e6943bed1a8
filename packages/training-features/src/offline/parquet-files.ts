import { LarderError } from "@larder/schema";
import type { EngineCall, EngineRow, OfflineEngine } from "./offline-engine.ts";
import { fileList, quoteText, readParquet } from "./sql-text.ts";

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
  const rows = new Map<string, number>();
  const counts = `SELECT file_name, num_rows FROM parquet_file_metadata(${fileList(files)})`;
  for (const row of await engine.rows(counts, call)) rows.set(String(row["file_name"]), Number(row["num_rows"]));
  const bySchema = new Map<string, string[]>();
  const schemas = `SELECT file_name, md5(string_agg(part, chr(10) ORDER BY i)) AS hash FROM (
      SELECT file_name, row_number() OVER () AS i, CAST(to_json([${SCHEMA_COLUMNS}]) AS VARCHAR) AS part
      FROM parquet_schema(${fileList(files)})
    ) GROUP BY file_name ORDER BY file_name`;
  for (const row of await engine.rows(schemas, call)) {
    const hash = String(row["hash"]);
    const group = bySchema.get(hash);
    if (group === undefined) bySchema.set(hash, [String(row["file_name"])]);
    else group.push(String(row["file_name"]));
  }
  const groups: FileGroup[] = [];
  for (const group of bySchema.values())
    groups.push({ files: group.sort(), columns: await columnsOf(engine, group[0]!, call) });
  return { groups: groups.sort((a, b) => (a.files[0]! < b.files[0]! ? -1 : 1)), rows };
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

async function columnsOf(engine: OfflineEngine, file: string, call: EngineCall): Promise<ReadonlyMap<string, string>> {
  const described = await engine.rows(`DESCRIBE SELECT * FROM ${readParquet([file])}`, call);
  const columns = described.map((row) => [String(row["column_name"]), String(row["column_type"])] as const);
  await refuseTwins(
    engine,
    file,
    columns.map(([name]) => name),
    call,
  );
  return new Map(columns);
}

/** DuckDB's names ignore case, so it renames the second of `Age` and `age`; nothing that is read by name may depend on that. */
async function refuseTwins(
  engine: OfflineEngine,
  file: string,
  names: readonly string[],
  call: EngineCall,
): Promise<void> {
  const quoted = names.map(quoteText).join(", ");
  const renamed =
    names.length === 0
      ? []
      : await engine.rows(
          `SELECT n FROM (SELECT unnest([${quoted}]) AS n) WHERE n NOT IN (SELECT name FROM parquet_schema(${fileList([file])}))`,
          call,
        );
  const [first] = renamed as [EngineRow?];
  if (first === undefined) return;
  const { subject } = call;
  throw new LarderError(subject.kind === "entities" ? "ENTITY_ROWS_INVALID" : "SOURCE_MISMATCH", {
    what: `${file} has two columns whose names differ in case only ("${String(first["n"])}" is the second)`,
    remedy: "Rename one of them",
    facts: { file, ...(subject.kind === "source" ? { view: subject.view } : {}) },
  });
}
