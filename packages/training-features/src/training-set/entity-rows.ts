import { LarderError, type Problem } from "@larder/schema";
import type { ObjectStore } from "../object-store/object-store.ts";
import { ACCEPTED_TIMES, acceptedTypes, type ColumnReading, readKey, readTime } from "../offline/column-type.ts";
import type { EngineCall, EngineRow, OfflineEngine } from "../offline/offline-engine.ts";
import type { SourceDialect } from "../offline/source-table.ts";
import { quoteName, readParquet } from "../offline/sql-text.ts";
import type { JoinSpec } from "../point-in-time/join-spec.ts";
import { type EntityInput, type EntitySource, openEntitySource } from "./entity-source.ts";
import { writeOutput } from "./output-format.ts";

/** The entity rows of a join, loaded as the table `entity_rows` with columns `c0`, `c1`, …; `rowid` is a row's position. */
export interface EntityRows {
  /** The file they are in, as it was before it was read; undefined for those of a query or in memory. */
  readonly file: EntitySource["file"];
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
 * Loads entity rows. Those that are in no file are written to `keptAs` and read from there, so that whoever reads that file later has the same rows to the
 * type.
 *
 * @throws ENTITY_ROWS_INVALID for missing columns, columns or values of another type (all columns at once), and what {@link openEntitySource} throws
 */
export async function loadEntityRows(
  engine: OfflineEngine,
  input: EntityInput,
  timestampColumn: string,
  spec: JoinSpec,
  objects: ObjectStore,
  signal: AbortSignal | undefined,
  keptAs?: string,
): Promise<EntityRows> {
  await using source = await openEntitySource(engine, input, spec, objects, signal);
  const call: EngineCall = { subject: { kind: "entities", path: source.name }, signal };
  const read = [...source.columns].map(([name, type]) => {
    const asTime = source.textTimes && name === timestampColumn;
    return {
      name,
      type: asTime ? "TIMESTAMP WITH TIME ZONE" : type,
      sql: asTime ? `CAST(${quoteName(name)} AS TIMESTAMPTZ)` : quoteName(name),
    };
  });
  bindEntityColumns(source.name, read, timestampColumn, spec);
  const select = read.map(({ sql }, i) => `${sql} AS c${i}`).join(", ");
  await engine.run(`CREATE OR REPLACE TEMP TABLE entity_rows AS SELECT ${select} FROM ${source.from}`, call);
  const columns = keptAs === undefined ? read : await keepRows(engine, read, keptAs, signal);
  const bound = bindEntityColumns(source.name, columns, timestampColumn, spec);
  await checkValues(engine, bound, call);
  const time = bound[0]!.reading.value;
  const [facts] = await engine.rows(
    `SELECT count(*) AS n, count(${time}) AS times, min(${time}) AS least, max(${time}) AS greatest FROM entity_rows`,
    call,
  );
  const { n, times, least, greatest } = facts as EngineRow & { least: bigint | null; greatest: bigint | null };
  return {
    file: source.file,
    count: Number(n),
    columns: columns.map(({ name, type }) => ({ name, type })),
    nullTimes: Number(n) - Number(times),
    minTime: least ?? undefined,
    maxTime: greatest ?? undefined,
    time,
    keys: new Map(bound.slice(1).map(({ column, reading }) => [column, reading.value])),
  };
}

/** Writes `entity_rows` to a Parquet file and reads it back: not every type is one of Parquet's. */
async function keepRows(
  engine: OfflineEngine,
  columns: EntityRows["columns"],
  path: string,
  signal: AbortSignal | undefined,
): Promise<EntityRows["columns"]> {
  const call: EngineCall = { subject: { kind: "output", path }, signal };
  const named = columns.map(({ name }, i) => `c${i} AS ${quoteName(name)}`).join(", ");
  await writeOutput(engine, "parquet", `SELECT ${named} FROM entity_rows ORDER BY rowid`, path, call);
  const from = readParquet([path]);
  const select = columns.map(({ name }, i) => `${quoteName(name)} AS c${i}`).join(", ");
  await engine.run(`CREATE OR REPLACE TEMP TABLE entity_rows AS SELECT ${select} FROM ${from}`, call);
  const kept = await engine.rows("DESCRIBE entity_rows", call);
  return columns.map(({ name }, i) => ({ name, type: String(kept[i]?.["column_type"]) }));
}

/** A column that the join needs. */
export interface BoundColumn {
  readonly column: string;
  /** The column of `entity_rows`. */
  readonly sql: string;
  readonly reading: ColumnReading;
}

/** How an engine's columns are read. */
type EntityDialect = Pick<SourceDialect, "readKey" | "readTime">;

/** The time, then the join columns, as expressions over `entity_rows`. @throws ENTITY_ROWS_INVALID for all that do not fit at once */
export function bindEntityColumns(
  file: string,
  columns: readonly { readonly name: string; readonly type: string }[],
  timestampColumn: string,
  spec: JoinSpec,
  dialect: EntityDialect = { readKey, readTime },
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
    bind(timestampColumn, dialect.readTime, ACCEPTED_TIMES, ", or name another timestamp column"),
    ...spec.entityKeys.map(({ column, type }) => {
      // An entity key outside int32 is simply no entity of an int32 view.
      const read = type === "int32" ? "int64" : type;
      return bind(
        column,
        (sql, found) => dialect.readKey(sql, found, read),
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
