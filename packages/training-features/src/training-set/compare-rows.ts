import type { EngineCall, EngineRow, EngineValue, OfflineEngine } from "../offline/offline-engine.ts";
import { dropTables, fileList, quoteName } from "../offline/sql-text.ts";

/** A training set's rows, to be compared. Paths are absolute. */
export interface RowsSide {
  readonly format: "parquet" | "csv";
  /** In the order of the rows. */
  readonly files: readonly string[];
  /** Whether columns are in the names of the files' folders. */
  readonly partitioned: boolean;
}

/** What {@link compareRows} is told. */
export interface RowsRequest {
  readonly engine: OfflineEngine;
  readonly a: RowsSide;
  readonly b: RowsSide;
  /** Join keys and time, by which rows are paired; both sides have them. */
  readonly pairedBy: readonly string[];
  /** Columns that both sides have, and whether they are numbers. */
  readonly columns: readonly { readonly name: string; readonly number: boolean }[];
  readonly signal: AbortSignal | undefined;
}

/** How rows of two training sets differ. */
export interface RowDifferences {
  readonly a: number;
  readonly b: number;
  /** Rows that are on one side alone. */
  readonly only_a: number;
  readonly only_b: number;
  /** Pairs that stand in another place; 0 where there are rows without partner, or only one side is in parts. */
  readonly moved: number;
  /** Of the pairs. */
  readonly columns: readonly ColumnDifference[];
}

/** How one column differs. */
export interface ColumnDifference {
  readonly column: string;
  /** Pairs with different values, and the position in `a` of the first, from 0. */
  readonly rows: number;
  readonly first_row: number | null;
  /** Share of null among all rows of each side, 0 to 1. */
  readonly null_share_a: number;
  readonly null_share_b: number;
  /** Distance of the pairs that differ and are numbers on both sides; null where there are none. */
  readonly mean_distance: number | null;
  readonly max_distance: number | null;
}

const TABLES = ["diff_a", "diff_b", "diff_pairs"] as const;

/**
 * Pairs rows that have the same join keys and time, repeated ones in their order, and compares every column. NaN is equal to itself. Columns of different
 * types are compared as text.
 *
 * @throws SOURCE_UNREADABLE, OFFLINE_FAILED, ABORTED
 */
export async function compareRows(request: RowsRequest): Promise<RowDifferences> {
  const { engine, a, b, pairedBy, columns, signal } = request;
  const call: EngineCall = {
    subject: { kind: "source", view: "training set", files: [...a.files, ...b.files] },
    signal,
  };
  const names = [...pairedBy, ...columns.map(({ name }) => name)];
  try {
    const [typesA, typesB] = [await typesOf(engine, a, call), await typesOf(engine, b, call)];
    const asText = names.map((name) => typesA.get(name) !== typesB.get(name));
    await load(engine, "diff_a", a, names, asText, call);
    await load(engine, "diff_b", b, names, asText, call);
    await engine.run(pairsSql(pairedBy.length, names.length), call);
    const [facts] = await engine.rows(factsSql(columns), call);
    return described(facts!, columns, a.partitioned === b.partitioned);
  } finally {
    await engine.run(dropTables(TABLES), { subject: { kind: "plan" } });
  }
}

async function typesOf(engine: OfflineEngine, side: RowsSide, call: EngineCall): Promise<ReadonlyMap<string, string>> {
  const rows = await engine.rows(`DESCRIBE SELECT * FROM ${readSql(side)}`, call);
  return new Map(rows.map((row) => [String(row["column_name"]), String(row["column_type"])]));
}

/** Rows in their order, so that `rowid` is their position. */
async function load(
  engine: OfflineEngine,
  table: string,
  side: RowsSide,
  names: readonly string[],
  asText: readonly boolean[],
  call: EngineCall,
): Promise<void> {
  const select = names.map((name, i) => {
    const column = quoteName(name);
    return `${asText[i] === true ? `CAST(${column} AS VARCHAR)` : column} AS c${i}`;
  });
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${table} AS SELECT ${select.join(", ")} FROM ${readSql(side)}`, call);
}

function readSql({ format, files, partitioned }: RowsSide): string {
  const list = fileList(files);
  if (format === "csv") return `read_csv(${list}, header = true, all_varchar = true, allow_quoted_nulls = false)`;
  return partitioned
    ? `read_parquet(${list}, hive_partitioning = true, hive_types_autocast = false)`
    : `read_parquet(${list}, hive_partitioning = false)`;
}

/** Table `diff_pairs`: positions, and what is compared as `a<i>` and `b<i>`. */
function pairsSql(keys: number, columns: number): string {
  const own = Array.from({ length: keys }, (_, i) => `c${i}`);
  const numbered = (table: string) =>
    `(SELECT *, rowid AS row_no, row_number() OVER (PARTITION BY ${own.join(", ")} ORDER BY rowid) AS nth FROM ${table})`;
  const on = [...own, "nth"].map((column) => `a.${column} IS NOT DISTINCT FROM b.${column}`).join(" AND ");
  const values = Array.from({ length: columns - keys }, (_, i) => `a.c${keys + i} AS a${i}, b.c${keys + i} AS b${i}`);
  return `CREATE OR REPLACE TEMP TABLE diff_pairs AS
SELECT ${["a.row_no AS at_a", "b.row_no AS at_b", ...values].join(", ")} FROM ${numbered("diff_a")} AS a FULL JOIN ${numbered("diff_b")} AS b ON ${on}`;
}

function factsSql(columns: RowsRequest["columns"]): string {
  const both = "at_a IS NOT NULL AND at_b IS NOT NULL";
  const perColumn = columns.flatMap(({ number }, i) => {
    const differ = `${both} AND a${i} IS DISTINCT FROM b${i}`;
    const distance = `abs(TRY_CAST(a${i} AS DOUBLE) - TRY_CAST(b${i} AS DOUBLE))`;
    const finite = `FILTER (${differ} AND isfinite(${distance}))`;
    return [
      `count(*) FILTER (${differ}) AS n${i}`,
      `min(at_a) FILTER (${differ}) AS first${i}`,
      `count(*) FILTER (at_a IS NOT NULL AND a${i} IS NULL) AS na${i}`,
      `count(*) FILTER (at_b IS NOT NULL AND b${i} IS NULL) AS nb${i}`,
      ...(number
        ? [`fsum(${distance}) ${finite} / count(*) ${finite} AS mean${i}`, `max(${distance}) ${finite} AS max${i}`]
        : []),
    ];
  });
  return `SELECT ${[
    "count(at_a) AS a",
    "count(at_b) AS b",
    "count(*) FILTER (at_b IS NULL) AS only_a",
    "count(*) FILTER (at_a IS NULL) AS only_b",
    `count(*) FILTER (${both} AND at_a <> at_b) AS moved`,
    ...perColumn,
  ].join(", ")} FROM diff_pairs`;
}

function described(facts: EngineRow, columns: RowsRequest["columns"], ordered: boolean): RowDifferences {
  const number = (name: string) => Number(facts[name]);
  const [a, b] = [number("a"), number("b")];
  const [onlyA, onlyB] = [number("only_a"), number("only_b")];
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  return {
    a,
    b,
    only_a: onlyA,
    only_b: onlyB,
    moved: onlyA + onlyB > 0 || !ordered ? 0 : number("moved"),
    columns: columns.map(({ name }, i) => ({
      column: name,
      rows: number(`n${i}`),
      first_row: orNull(facts[`first${i}`]),
      null_share_a: share(number(`na${i}`), a),
      null_share_b: share(number(`nb${i}`), b),
      mean_distance: orNull(facts[`mean${i}`]),
      max_distance: orNull(facts[`max${i}`]),
    })),
  };
}

function orNull(value: EngineValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}
