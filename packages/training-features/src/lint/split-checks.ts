import { foundTable } from "../point-in-time/build-sql.ts";
import type { ViewResult } from "../point-in-time/run-join.ts";
import type { FoundFact } from "./finding.ts";
import { exampleAt, type LintContext, lintKeys, numberOf, percent, timeText } from "./lint-context.ts";
import { LINT_ROWS } from "./lint-rows.ts";
import { keysOf } from "./view-checks.ts";

/** Share of test rows that may take the values of train rows near the cut before it is more than a note. */
const MANY_SHARED = 0.2;

/**
 * A split by entity (no entity on both sides) and a split by time (every test row later than every train row) are both fine. Test rows of an entity that
 * has a train row at the same time or later leak; entities that are each cut in order, but at different moments, let the model see the future of others.
 */
export async function checkSplit(context: LintContext): Promise<FoundFact[]> {
  const { splitColumn, runner, entities } = context;
  if (splitColumn === undefined || entities.keys.size === 0) return [];
  const keys = lintKeys(entities);
  const on = keys.map((key) => `r.${key} = t.${key}`).join(" AND ");
  const row = await runner.row(`WITH t AS (
  SELECT ${keys.join(", ")}, max(moment) AS last FROM ${LINT_ROWS} WHERE NOT held AND moment IS NOT NULL GROUP BY ${keys.join(", ")}
), met AS (
  SELECT r.row_no, r.moment, t.last, (SELECT max(last) FROM t) AS final FROM ${LINT_ROWS} AS r JOIN t ON ${on} WHERE r.held
)
SELECT (SELECT count(*) FROM ${LINT_ROWS} WHERE held) AS test,
  count(*) FILTER (moment <= last) AS mixed, min(row_no) FILTER (moment <= last) AS first_mixed, arg_min(last, row_no) FILTER (moment <= last) AS last_mixed,
  count(*) FILTER (moment <= final) AS overlapping, min(row_no) FILTER (moment <= final) AS first_overlapping, any_value(final) AS final
FROM met`);
  const test = numberOf(row, "test");
  const base = { view: null, feature: null } as const;
  const mixed = numberOf(row, "mixed");
  if (mixed > 0) {
    const example = await exampleAt(context, row["first_mixed"], { last_train_row: timeText(row["last_mixed"]) });
    const what = `${mixed} of ${test} rows that "${splitColumn}" holds out (${percent(mixed, test)}) have an entity with a train row of the same time or later`;
    return [{ ...base, code: "SPLIT_SHARES_ENTITIES", severity: "error", what, rows: mixed, example }];
  }
  const overlapping = numberOf(row, "overlapping");
  if (overlapping > 0) {
    const example = await exampleAt(context, row["first_overlapping"], { last_train_row: timeText(row["final"]) });
    const what = `${overlapping} of ${test} rows that "${splitColumn}" holds out (${percent(overlapping, test)}) are of entities to train on, and not later than the last train row`;
    return [{ ...base, code: "SPLIT_TIMES_OVERLAP", severity: "warning", what, rows: overlapping, example }];
  }
  return [];
}

/** Test rows that take the very feature row that a train row of the same entity takes: near the cut that cannot be helped, beyond it the test is too easy. */
export async function checkSharedRows(context: LintContext, view: ViewResult, index: number): Promise<FoundFact[]> {
  const { splitColumn, runner } = context;
  const { projection } = view;
  if (splitColumn === undefined || projection.keys.length === 0) return [];
  const columns = [...keysOf(view), "event"];
  const row = await runner.row(`WITH f AS (
  SELECT f.*, r.held FROM ${foundTable(index)} AS f JOIN ${LINT_ROWS} AS r ON r.row_no = f.row_no WHERE f.alive
)
SELECT count(*) AS test, count(*) FILTER (shared) AS n, min(row_no) FILTER (shared) AS first, arg_min(event, row_no) FILTER (shared) AS event FROM (
  SELECT h.row_no, h.event, EXISTS (SELECT 1 FROM f AS t WHERE NOT t.held AND ${columns.map((column) => `t.${column} = h.${column}`).join(" AND ")}) AS shared
  FROM f AS h WHERE h.held)`);
  const [test, rows] = [numberOf(row, "test"), numberOf(row, "n")];
  if (rows === 0) return [];
  return [
    {
      code: "SPLIT_SHARES_FEATURE_ROWS",
      severity: rows >= MANY_SHARED * test ? "warning" : "info",
      view: projection.name,
      feature: null,
      what: `${rows} of ${test} rows that "${splitColumn}" holds out (${percent(rows, test)}) take the same row of feature view "${projection.name}" as a train row`,
      rows,
      example: await exampleAt(context, row["first"], { event_time: timeText(row["event"]) }),
    },
  ];
}
