import { keyColumns, scanSql } from "../offline/source-scan.ts";
import type { StatementRunner } from "../offline/statement-runner.ts";
import type { ViewPlan } from "./build-sql.ts";

/** About as many rows are looked at, evenly over each file. */
const SAMPLE_ROWS = 50_000;
/** Where most rows have a wanted key, sorting the others along costs less than looking every row's key up. */
const WORTH_LOOKING_UP = 0.75;

/**
 * Whether the view's rows are to be cut to the keys of the table `wanted` before they are sorted. Told from a sample that the same inputs always give again,
 * since the statements are part of the manifest.
 */
export async function shouldCutKeys(plan: Omit<ViewPlan, "cutKeys">, runner: StatementRunner): Promise<boolean> {
  const { projection, table, range } = plan;
  if (projection.keys.length === 0) return false;
  const rows = [...table.rows.values()].reduce((sum, count) => sum + count, 0);
  const everyNth = Math.max(1, Math.floor(rows / SAMPLE_ROWS));
  const keys = keyColumns(projection.keys.length);
  const sampled = await runner.row(
    `SELECT count(*) AS n, count(w.k0) AS wanted FROM (
${scanSql(table, { range, everyNth })}
) AS s LEFT JOIN (SELECT DISTINCT ${keys.join(", ")} FROM wanted) AS w ON ${keys.map((key) => `s.${key} = w.${key}`).join(" AND ")}`,
  );
  return Number(sampled["wanted"]) < WORTH_LOOKING_UP * Number(sampled["n"]);
}
