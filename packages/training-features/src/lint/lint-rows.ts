import { LarderError } from "@larder/schema";
import type { StatementRunner } from "../offline/statement-runner.ts";
import type { EntityRows } from "../training-set/entity-rows.ts";

/** Table of the entity rows as the linter wants them. */
export const LINT_ROWS = "lint_rows";

/** Tables that the linter makes on its way. */
export const LINT_TABLES = [LINT_ROWS, "lint_pairs"] as const;

/** Distinct labels of a number, above which it is a quantity and not a class. */
const MOST_CLASSES = 20;
/** Fewer entities than this are too few to hold half of them out. */
const FEW_ENTITIES = 20;

/** How often each label occurs. */
export interface LabelClasses {
  readonly column: string;
  /** Whether the label is a number of many values, so that nothing is a class. */
  readonly quantity: boolean;
  /** Labelled rows, and runs of equal labels of one entity. */
  readonly rows: number;
  readonly runs: number;
  /** Most frequent first; of a label with more values only the first. */
  readonly classes: readonly { readonly label: string; readonly rows: number; readonly runs: number }[];
}

/** What the entity rows are to be read as. */
export interface LintColumns {
  readonly label?: string | undefined;
  readonly splitColumn?: string | undefined;
}

/** @throws INVALID_REQUEST for a label or split column that the entity rows do not have */
export function checkLintColumns(
  { label, splitColumn }: LintColumns,
  entities: EntityRows,
  timestampColumn: string,
): void {
  for (const [field, name] of [
    ["label", label],
    ["split_column", splitColumn],
  ] as const) {
    if (name === undefined) continue;
    const columns = entities.columns.map((column) => column.name);
    const taken = name === timestampColumn || entities.keys.has(name);
    if (columns.includes(name) && !taken) continue;
    throw new LarderError("INVALID_REQUEST", {
      what: `${field} "${name}" is ${taken ? "a join key or the time of the entity rows" : "no column of the entity rows"}`,
      remedy: `Name another column; the entity rows have: ${columns.slice(0, 20).join(", ")}`,
      facts: { field, column: name },
    });
  }
}

/**
 * Makes `lint_rows`: row_no, moment, the keys k0, k1, …; label (as text), y (as a number), fresh (the first of a run: the entity's label before was
 * another), fold (which half of the entities, 0 or 1); held (false for a row to train on, true for another, null for one without a split value).
 *
 * `splitSql` is a split over `entity_rows` in place of a column's.
 *
 * @throws INVALID_REQUEST for a split column that tells no train rows from others
 */
export async function makeLintRows(
  runner: StatementRunner,
  entities: EntityRows,
  { label, splitColumn }: LintColumns,
  splitSql?: string,
): Promise<LabelClasses | undefined> {
  const keys = entities.keys.size === 0 ? ["0"] : [...entities.keys.values()];
  const columnOf = (name: string | undefined) => entities.columns.findIndex((column) => column.name === name);
  const labelAt = columnOf(label);
  const type = entities.columns[labelAt]?.type ?? "";
  const number = isNumber(type) ? `CAST(c${labelAt} AS DOUBLE)` : "CAST(NULL AS DOUBLE)";
  const splitAt = columnOf(splitColumn);
  const part = splitSql ?? (splitAt < 0 ? "NULL" : `CAST(c${splitAt} AS VARCHAR)`);
  const split = `lower(${part}) NOT IN ('train', 'training')`;
  const entityCount = await runner.row(
    `SELECT count(*) AS n FROM (SELECT DISTINCT ${keys.join(", ")} FROM entity_rows LIMIT ${FEW_ENTITIES})`,
  );
  const halved = Number(entityCount["n"]) < FEW_ENTITIES ? "rowid" : keys.join(", ");
  await runner.run(`CREATE OR REPLACE TEMP TABLE ${LINT_ROWS} AS
SELECT *, label IS NOT NULL AND label IS DISTINCT FROM lag(label IGNORE NULLS) OVER (PARTITION BY ${keys.map((_, i) => `k${i}`).join(", ")} ORDER BY moment, row_no) AS fresh
FROM (
  SELECT rowid AS row_no, ${entities.time} AS moment, ${keys.map((sql, i) => `${sql} AS k${i}`).join(", ")},
    ${labelAt < 0 ? "CAST(NULL AS VARCHAR)" : `CAST(c${labelAt} AS VARCHAR)`} AS label, ${number} AS y,
    CAST(hash(${halved}) % 2 AS INTEGER) AS fold, CAST(${split} AS BOOLEAN) AS held
  FROM entity_rows
)`);
  if (splitColumn !== undefined) await refuseOneSided(runner, splitColumn);
  return label === undefined ? undefined : countClasses(runner, label, isNumber(type));
}

async function refuseOneSided(runner: StatementRunner, column: string): Promise<void> {
  const { train, others } = await runner.row(
    `SELECT count(*) FILTER (NOT held) AS train, count(*) FILTER (held) AS others FROM ${LINT_ROWS}`,
  );
  if (Number(train) > 0 && Number(others) > 0) return;
  throw new LarderError("INVALID_REQUEST", {
    what: `The split column "${column}" tells no ${Number(train) === 0 ? "train" : "test"} rows`,
    remedy: 'Write "train" in the rows to train on and another word, such as "test", in the others',
    facts: { field: "split_column", column },
  });
}

async function countClasses(runner: StatementRunner, column: string, number: boolean): Promise<LabelClasses> {
  const all = await runner.row(
    `SELECT count(label) AS n, count(*) FILTER (fresh) AS runs, count(DISTINCT label) AS k FROM ${LINT_ROWS}`,
  );
  const [rows, k] = [Number(all["n"]), Number(all["k"])];
  const classes = await runner.rows(
    `SELECT label, count(*) AS n, count(*) FILTER (fresh) AS runs FROM ${LINT_ROWS} WHERE label IS NOT NULL
     GROUP BY label ORDER BY n DESC, label LIMIT ${MOST_CLASSES}`,
  );
  return {
    column,
    quantity: number && (k > MOST_CLASSES || 2 * k > rows),
    rows,
    runs: Number(all["runs"]),
    classes: classes.map((row) => ({ label: String(row["label"]), rows: Number(row["n"]), runs: Number(row["runs"]) })),
  };
}

function isNumber(type: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/.test(type);
}
