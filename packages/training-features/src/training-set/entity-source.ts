import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { finished } from "node:stream/promises";
import { LarderError, stringifyJson } from "@larder/schema";
import type { ObjectStore } from "../object-store/object-store.ts";
import { isObjectUrl, refuseOtherStores } from "../object-store/object-url.ts";
import { aborted } from "../offline/duckdb-error.ts";
import { type FileState, stateOf } from "../offline/file-state.ts";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import { describeParquet } from "../offline/parquet-files.ts";
import { fileList, quoteName, quoteText, readParquet } from "../offline/sql-text.ts";
import type { JoinSpec } from "../point-in-time/join-spec.ts";

/** Where entity rows come from: a Parquet, CSV or NDJSON file, a query, or rows in memory. */
export type EntityInput = string | EntityQuery | EntityRecords;

/** One SELECT in the engine's SQL. Its order is that of the training set, so it should say ORDER BY. */
export interface EntityQuery {
  readonly sql: string;
  /** What relative paths in it count from. Default: the process's folder. */
  readonly folder?: string;
}

/** Objects with the same members each. Numbers, bigint, text, booleans, Date and null; a column has one type. */
export interface EntityRecords {
  readonly rows: Iterable<object> | AsyncIterable<object>;
}

/** Something to select entity rows from. */
export interface EntitySource extends AsyncDisposable {
  /** What messages call it: an absolute path, or words. */
  readonly name: string;
  /** A file that stays, by its absolute path or address: where its bytes are, and its state. undefined where the rows are kept nowhere else. */
  readonly file: { readonly name: string; readonly path: string; readonly state: FileState } | undefined;
  /** SQL after FROM. */
  readonly from: string;
  /** Column -> DuckDB's type, in order. */
  readonly columns: ReadonlyMap<string, string>;
  /** The time column may be text, in ISO 8601. */
  readonly textTimes: boolean;
}

/**
 * Opens entity rows. Text in CSV and NDJSON times is read as ISO 8601, naive as UTC.
 * @throws ENTITY_ROWS_INVALID for what is missing or cannot be read, UNSUPPORTED for another extension or an object store, ABORTED
 */
export function openEntitySource(
  engine: OfflineEngine,
  input: EntityInput,
  spec: JoinSpec,
  objects: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<EntitySource> {
  if (typeof input === "string") return openFile(engine, input, spec, objects, signal);
  return "sql" in input ? openQuery(engine, input, signal) : openRecords(engine, input, signal);
}

async function openFile(
  engine: OfflineEngine,
  given: string,
  spec: JoinSpec,
  objects: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<EntitySource> {
  refuseOtherStores(given);
  const name = isObjectUrl(given) ? given : resolve(given);
  const call: EngineCall = { subject: { kind: "entities", path: name }, signal };
  const format = formatOf(name);
  const file = isObjectUrl(name) ? await copyObject(name, objects, signal) : await localFile(name, objects);
  const { path } = file;
  if (format === "csv") await checkHeader(engine, path, call);
  const from = format === "parquet" ? readParquet([path]) : textSource(format, path, spec);
  const columns =
    format === "parquet"
      ? (await describeParquet(engine, [path], call)).groups[0]!.columns
      : await describe(engine, from, call);
  const textTimes = format !== "parquet";
  return { name, file, from, columns, textTimes, [Symbol.asyncDispose]: nothing };
}

async function localFile(name: string, objects: ObjectStore): Promise<NonNullable<EntitySource["file"]>> {
  await requireFile(name);
  return { name, path: name, state: await stateOf([name], objects, undefined) };
}

/** Entity rows are read whole, so an object is copied, whoever reads sources. */
async function copyObject(
  name: string,
  objects: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<NonNullable<EntitySource["file"]>> {
  const object = await objects.find(name, signal);
  if (object === undefined) throw noFile(name, `There is no object ${name}`);
  return { name, path: await objects.copy(object, signal), state: new Map([[name, object.etag]]) };
}

async function openQuery(
  engine: OfflineEngine,
  { sql, folder = process.cwd() }: EntityQuery,
  signal: AbortSignal | undefined,
): Promise<EntitySource> {
  const name = "the query of the entity rows";
  const call: EngineCall = { subject: { kind: "entities", path: name }, signal };
  await engine.run(`SET file_search_path = ${quoteText(folder)}`, call);
  const asked = `(\n${sql.replace(/;\s*$/, "")}\n)`;
  const selected = await engine.rows(`DESCRIBE ${asked}`, call);
  refuseTwins(
    name,
    selected.map((row) => String(row["column_name"])),
  );
  const columns = new Map(await describe(engine, asked, call));
  // Parquet has no integers of 128 bits, which sums are: written as they are, they would be rounded.
  const huge = [...columns].filter(([, type]) => type === "HUGEINT" || type === "UHUGEINT").map(([name]) => name);
  for (const name of huge) columns.set(name, "BIGINT");
  const casts = huge.map((name) => `CAST(${quoteName(name)} AS BIGINT) AS ${quoteName(name)}`);
  const from = huge.length === 0 ? asked : `(SELECT * REPLACE (${casts.join(", ")}) FROM ${asked})`;
  const reset = () => engine.run("RESET file_search_path", { subject: { kind: "plan" } });
  return { name, file: undefined, from, columns, textTimes: false, [Symbol.asyncDispose]: reset };
}

/** Rows in memory go through a file of their own, so that any number of them can be had from an iterator. */
async function openRecords(
  engine: OfflineEngine,
  { rows }: EntityRecords,
  signal: AbortSignal | undefined,
): Promise<EntitySource> {
  const name = "the entity rows in memory";
  const folder = await mkdtemp(join(tmpdir(), "larder-entity-rows-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const file = join(folder, "rows.ndjson");
    const types = await writeRecords(file, rows, signal);
    const declared = [...types].map(([column, type]) => `${quoteText(column)}: '${type}'`).join(", ");
    const from = `read_json(${fileList([file])}, format = 'newline_delimited', columns = {${declared}})`;
    const columns = await describe(engine, from, { subject: { kind: "entities", path: name }, signal });
    return { name, file: undefined, from, columns, textTimes: true, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

type RecordType = "BIGINT" | "DOUBLE" | "VARCHAR" | "BOOLEAN" | "TIMESTAMPTZ";

/** Writes rows as NDJSON and answers each column's type. @throws ENTITY_ROWS_INVALID, ABORTED */
async function writeRecords(
  file: string,
  rows: EntityRecords["rows"],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, RecordType>> {
  const types = new Map<string, RecordType | undefined>();
  const stream = createWriteStream(file);
  let at = 0;
  try {
    for await (const row of rows) {
      if (signal?.aborted === true) throw aborted(signal.reason);
      const entries = Object.entries(row);
      if (at === 0) for (const [column] of entries) types.set(column, undefined);
      for (const [column, value] of entries) {
        if (!types.has(column)) throw invalid(at, column, "is not in the rows before it");
        types.set(column, merged(types.get(column), value, at, column));
      }
      if (entries.length < types.size) {
        const missing = [...types.keys()].find((column) => !Object.hasOwn(row, column)) as string;
        throw invalid(at, missing, "is missing");
      }
      if (!stream.write(`${stringifyJson(row)}\n`)) await once(stream, "drain");
      at++;
    }
  } finally {
    stream.end();
    await finished(stream);
  }
  if (at === 0) throw invalid(0, "", "there are none");
  // A column of nulls only may be anything.
  return new Map([...types].map(([column, type]) => [column, type ?? "VARCHAR"]));
}

function merged(known: RecordType | undefined, value: unknown, row: number, column: string): RecordType | undefined {
  if (value === null) return known;
  const found = typeOf(value, row, column);
  if (known === undefined || known === found) return found;
  const numbers = new Set([known, found]);
  if (numbers.has("BIGINT") && numbers.has("DOUBLE")) return "DOUBLE";
  throw invalid(row, column, `is ${found} where the rows before it have ${known}`);
}

function typeOf(value: unknown, row: number, column: string): RecordType {
  switch (typeof value) {
    case "string":
      return "VARCHAR";
    case "boolean":
      return "BOOLEAN";
    case "bigint":
      if (BigInt.asIntN(64, value) === value) return "BIGINT";
      throw invalid(row, column, "is beyond int64");
    case "number":
      if (!Number.isFinite(value)) throw invalid(row, column, `is ${value}; give null for what is not known`);
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        throw invalid(row, column, "is beyond 2^53: give a bigint");
      return Number.isInteger(value) ? "BIGINT" : "DOUBLE";
    default:
      if (value instanceof Date && !Number.isNaN(value.getTime())) return "TIMESTAMPTZ";
      throw invalid(row, column, "is no number, bigint, text, boolean, valid Date or null");
  }
}

function invalid(row: number, column: string, what: string): LarderError {
  return new LarderError("ENTITY_ROWS_INVALID", {
    what:
      column === "" ? `The entity rows in memory: ${what}` : `Entity row ${row} in memory: column "${column}" ${what}`,
    remedy: "Give every row the same members, each of one type; null is a value",
    facts: { row, column },
  });
}

type Format = "parquet" | "csv" | "ndjson";

const FORMATS: Readonly<Record<string, Format>> = {
  parquet: "parquet",
  pq: "parquet",
  csv: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
};

function formatOf(file: string): Format {
  const format = FORMATS[file.slice(file.lastIndexOf(".") + 1).toLowerCase()];
  if (format !== undefined) return format;
  throw new LarderError("UNSUPPORTED", {
    what: `${file} is no entity file that Larder reads`,
    remedy: "Give a file that ends in .parquet, .csv or .ndjson",
    facts: { file },
  });
}

async function requireFile(file: string): Promise<void> {
  const info = await stat(file).catch(() => undefined);
  if (info?.isFile()) return;
  throw noFile(file, info === undefined ? `There is no file ${file}` : `${file} is no file`);
}

function noFile(file: string, what: string): LarderError {
  return new LarderError("ENTITY_ROWS_INVALID", {
    what,
    remedy: "Give the file that holds the entity rows",
    facts: { file },
  });
}

/** Only text keys need saying: everything else is taken as its digits show it, and judged by value. */
function textSource(format: "csv" | "ndjson", file: string, spec: JoinSpec): string {
  if (format === "ndjson") return `read_json(${fileList([file])}, format = 'newline_delimited', sample_size = -1)`;
  const text = spec.entityKeys.filter(({ type }) => type === "string");
  const types = text.map(({ column }) => `${quoteText(column)}: 'VARCHAR'`).join(", ");
  return `read_csv(${fileList([file])}, header = true, sample_size = -1${types === "" ? "" : `, types = {${types}}`})`;
}

/** DuckDB would give the second column of a name another one, and read a header without rows as columns of text. @throws ENTITY_ROWS_INVALID */
async function checkHeader(engine: OfflineEngine, file: string, call: EngineCall): Promise<void> {
  const lines = await engine.rows(
    `SELECT * FROM read_csv(${fileList([file])}, header = false, all_varchar = true) LIMIT 2`,
    call,
  );
  const [header, first] = lines;
  if (header === undefined) return;
  refuseTwins(file, Object.values(header).map(String));
  if (first !== undefined) return;
  throw new LarderError("ENTITY_ROWS_INVALID", {
    what: `${file} has a header and no rows`,
    remedy: "Give the file that holds the entity rows",
    facts: { file },
  });
}

/** Which of two columns of one name is meant, nobody can say; many readers of Parquet ignore case. @throws ENTITY_ROWS_INVALID */
function refuseTwins(place: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name.toLowerCase())) {
      throw new LarderError("ENTITY_ROWS_INVALID", {
        what: `Of the columns of ${place} two are named "${name}"`,
        remedy: "Give each column a name of its own, that differs from others in more than case",
        facts: { file: place, column: name },
      });
    }
    seen.add(name.toLowerCase());
  }
}

async function describe(engine: OfflineEngine, source: string, call: EngineCall): Promise<ReadonlyMap<string, string>> {
  const rows = await engine.rows(`DESCRIBE SELECT * FROM ${source}`, call);
  return new Map(rows.map((row) => [String(row["column_name"]), String(row["column_type"])]));
}

async function nothing(): Promise<void> {}
