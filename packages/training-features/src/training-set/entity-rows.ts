import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { LarderError, type Problem } from "@larder/schema";
import { ACCEPTED_TIMES, acceptedTypes, type ColumnReading, readKey, readTime } from "../offline/column-type.ts";
import { type FileState, stateOf } from "../offline/file-state.ts";
import type { EngineCall, EngineRow, OfflineEngine } from "../offline/offline-engine.ts";
import { describeParquet } from "../offline/parquet-files.ts";
import { refuseObjectStore } from "../offline/source-files.ts";
import { fileList, quoteName, quoteText, readParquet } from "../offline/sql-text.ts";
import type { JoinSpec } from "../point-in-time/join-spec.ts";

/** The entity rows of a join, loaded as the table `entity_rows` with columns `c0`, `c1`, …; `rowid` is a row's position. */
export interface EntityRows {
  /** Absolute path of the file. */
  readonly path: string;
  /** The file as it was before it was read. */
  readonly state: FileState;
  readonly count: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Rows without time: they stay, with nulls. */
  readonly nullTimes: number;
  /** Microseconds; undefined if no row has a time. */
  readonly minTime: bigint | undefined;
  readonly maxTime: bigint | undefined;
  /** SQL of the time, in microseconds, over `entity_rows`. */
  readonly time: string;
  /** Join column -> its SQL over `entity_rows`. */
  readonly keys: ReadonlyMap<string, string>;
}

/**
 * Loads entity rows from a Parquet, CSV (with a header) or NDJSON file, by its extension. Text in CSV and NDJSON times is read as ISO 8601, naive
 * as UTC.
 *
 * @throws ENTITY_ROWS_INVALID for a missing or unreadable file, missing columns, columns or values of another type (all columns at once)
 * @throws UNSUPPORTED for another extension or an object store
 */
export async function loadEntityRows(
  engine: OfflineEngine,
  path: string,
  timestampColumn: string,
  spec: JoinSpec,
  signal: AbortSignal | undefined,
): Promise<EntityRows> {
  refuseObjectStore(path);
  const file = resolve(path);
  const call: EngineCall = { subject: { kind: "entities", path: file }, signal };
  const format = formatOf(file);
  await requireFile(file);
  const state = await stateOf([file]);
  const source = format === "parquet" ? readParquet([file]) : textSource(format, file, spec);
  const found =
    format === "parquet"
      ? (await describeParquet(engine, [file], call)).groups[0]!.columns
      : await describe(engine, source, call);
  const columns = [...found].map(([name, type]) => {
    const asTime = format !== "parquet" && name === timestampColumn;
    return {
      name,
      type: asTime ? "TIMESTAMP WITH TIME ZONE" : type,
      sql: asTime ? `CAST(${quoteName(name)} AS TIMESTAMPTZ)` : quoteName(name),
    };
  });
  const bound = bindColumns(file, columns, timestampColumn, spec);
  const select = columns.map(({ sql }, i) => `${sql} AS c${i}`).join(", ");
  await engine.run(`CREATE OR REPLACE TEMP TABLE entity_rows AS SELECT ${select} FROM ${source}`, call);
  await checkValues(engine, bound, call);
  const time = bound[0]!.reading.value;
  const [facts] = await engine.rows(
    `SELECT count(*) AS n, count(${time}) AS times, min(${time}) AS least, max(${time}) AS greatest FROM entity_rows`,
    call,
  );
  const { n, times, least, greatest } = facts as EngineRow & { least: bigint | null; greatest: bigint | null };
  return {
    path: file,
    state,
    count: Number(n),
    columns: columns.map(({ name, type }) => ({ name, type })),
    nullTimes: Number(n) - Number(times),
    minTime: least ?? undefined,
    maxTime: greatest ?? undefined,
    time,
    keys: new Map(bound.slice(1).map(({ column, reading }) => [column, reading.value])),
  };
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
  throw new LarderError("ENTITY_ROWS_INVALID", {
    what: info === undefined ? `There is no file ${file}` : `${file} is no file`,
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

async function describe(engine: OfflineEngine, source: string, call: EngineCall): Promise<ReadonlyMap<string, string>> {
  const rows = await engine.rows(`DESCRIBE SELECT * FROM ${source}`, call);
  return new Map(rows.map((row) => [String(row["column_name"]), String(row["column_type"])]));
}

interface BoundColumn {
  readonly column: string;
  /** The column of `entity_rows`. */
  readonly sql: string;
  readonly reading: ColumnReading;
}

/** The time, then the join columns, as expressions over `entity_rows`. */
function bindColumns(
  file: string,
  columns: readonly { readonly name: string; readonly type: string }[],
  timestampColumn: string,
  spec: JoinSpec,
): BoundColumn[] {
  const problems: Problem[] = [];
  const bind = (
    column: string,
    read: (sql: string, found: string) => ColumnReading | undefined,
    expected: string,
    option: string,
  ): BoundColumn => {
    const index = columns.findIndex(({ name }) => name === column);
    const found = columns[index]?.type;
    const reading = found === undefined ? undefined : read(`c${index}`, found);
    if (reading === undefined) {
      const names = columns.slice(0, 20).map(({ name }) => name);
      problems.push({
        place: file,
        field: column,
        what: found === undefined ? "is missing" : `is ${found}, not ${expected}`,
        remedy: found === undefined ? `Add it${option}; the file has: ${names.join(", ")}` : "Write it with that type",
      });
    }
    return { column, sql: `c${index}`, reading: reading ?? { value: "NULL", bad: undefined, fault: "" } };
  };
  const bound = [
    bind(timestampColumn, readTime, ACCEPTED_TIMES, ", or name another timestamp column"),
    ...spec.entityKeys.map(({ column, type }) => {
      // An entity key outside int32 is simply no entity of an int32 view.
      const read = type === "int32" ? "int64" : type;
      return bind(
        column,
        (sql, found) => readKey(sql, found, read),
        `a join key of type ${type}: ${acceptedTypes(type)}`,
        "",
      );
    }),
  ];
  const [first] = problems;
  if (first === undefined) return bound;
  throw new LarderError("ENTITY_ROWS_INVALID", {
    what: `The entity rows do not fit: ${problems.map(({ field, what }) => `column "${field}" ${what}`).join("; ")}`,
    remedy: first.remedy,
    facts: { file, column: first.field },
    problems,
  });
}

async function checkValues(engine: OfflineEngine, bound: readonly BoundColumn[], call: EngineCall): Promise<void> {
  for (const { column, sql, reading } of bound) {
    if (reading.bad === undefined) continue;
    const [row] = await engine.rows(
      `SELECT rowid AS row, CAST(${sql} AS VARCHAR) AS value FROM entity_rows WHERE ${reading.bad} ORDER BY rowid LIMIT 1`,
      call,
    );
    if (row === undefined) continue;
    throw new LarderError("ENTITY_ROWS_INVALID", {
      what: `Entity row ${Number(row["row"])}: column "${column}": ${String(row["value"])} ${reading.fault}`,
      remedy: "Correct the value, or the type of the join key in feature_store.yaml",
      facts: { row: Number(row["row"]), column },
    });
  }
}
