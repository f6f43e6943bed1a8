import type { FoundFact } from "./finding.ts";
import { exampleAt, type LintContext, lintKeys, numberOf, percent } from "./lint-context.ts";
import { LINT_ROWS } from "./lint-rows.ts";

/** Entity rows of a time that has not come. */
export async function checkFuture(context: LintContext): Promise<FoundFact[]> {
  const row = await context.runner.row(
    `SELECT count(*) AS n, min(row_no) AS first FROM ${LINT_ROWS} WHERE moment > ${context.now}`,
  );
  const rows = numberOf(row, "n");
  if (rows === 0) return [];
  const what = `${rows} of ${context.entities.count} entity rows have a time that has not come yet`;
  const example = await exampleAt(context, row["first"]);
  return [{ code: "ENTITY_TIME_IN_FUTURE", severity: "error", view: null, feature: null, what, rows, example }];
}

/** Entity rows with the keys and the time of another. */
export async function checkDuplicates(context: LintContext): Promise<FoundFact[]> {
  const keys = lintKeys(context.entities).join(", ");
  const row = await context.runner.row(
    `SELECT CAST(sum(n - 1) AS BIGINT) AS n, CAST(sum(n) FILTER (torn) AS BIGINT) AS torn, coalesce(min(first) FILTER (torn), min(first)) AS first FROM (
       SELECT count(*) AS n, min(label) <> max(label) AS torn, min(row_no) AS first FROM ${LINT_ROWS} WHERE moment IS NOT NULL
       GROUP BY ${keys}, moment HAVING count(*) > 1)`,
  );
  const [rows, torn] = [numberOf(row, "n"), numberOf(row, "torn")];
  if (rows === 0) return [];
  const labels = torn === 0 ? "" : `; ${torn} rows have another label than one of the same entity and time`;
  const what = `${rows} of ${context.entities.count} entity rows repeat the entity and time of another${labels}`;
  const example = await exampleAt(context, row["first"]);
  return [{ code: "DUPLICATE_ENTITY_ROWS", severity: "warning", view: null, feature: null, what, rows, example }];
}

/**
 * Entities that come several times and always with one label, where chance would give most of them several: of an entity with c rows, all have one
 * label with the chance sum(p_k ^ c) over the labels' shares p_k.
 */
export async function checkOneClass(context: LintContext): Promise<FoundFact[]> {
  const { label } = context;
  if (label === undefined || label.quantity || label.classes.length < 2) return [];
  const chance = label.classes.map(({ rows }) => `pow(${rows} / ${label.rows}.0, n)`).join(" + ");
  const row = await context.runner.row(
    `SELECT count(*) AS several, count(*) FILTER (one) AS single, CAST(sum(n) AS BIGINT) AS n, min(first) FILTER (one) AS first,
       sum(${chance}) AS expected FROM (
       SELECT count(*) AS n, min(label) = max(label) AS one, min(row_no) AS first FROM ${LINT_ROWS} WHERE label IS NOT NULL
       GROUP BY ${lintKeys(context.entities).join(", ")} HAVING count(*) > 1)`,
  );
  const [several, single] = [numberOf(row, "several"), numberOf(row, "single")];
  if (several < 20 || single < 0.95 * several || numberOf(row, "expected") > 0.8 * several) return [];
  const what = `${percent(single, several)} of the ${several} entities with several rows have one value of "${label.column}" in all of them`;
  const example = await exampleAt(context, row["first"]);
  const rows = numberOf(row, "n");
  return [{ code: "ENTITIES_IN_ONE_CLASS", severity: "warning", view: null, feature: null, what, rows, example }];
}
