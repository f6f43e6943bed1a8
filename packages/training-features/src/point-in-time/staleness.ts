import type { EngineRow } from "../offline/offline-engine.ts";
import { featureColumn } from "../offline/source-scan.ts";
import type { StatementRunner } from "../offline/statement-runner.ts";
import { joinedTable, type ViewPlan } from "./build-sql.ts";

/** How old the values of one feature are at the times of their entity rows, in microseconds, to within 1.1 % below; nulls are left out. */
export interface ValueAges {
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

/** How stale a view is for a set of entity rows. */
export interface ViewStaleness {
  /** Entity rows that find no row of the view by the rule that holds, however old. */
  readonly absent: number;
  /** Entity rows that find only a row that is past its TTL. */
  readonly outOfTtl: number;
  /** In the order of `projection.features`; undefined for a feature without any value. */
  readonly ages: readonly (ValueAges | undefined)[];
}

/** Buckets of ages per doubling. Exact quantiles would hold every age in memory; this holds some thousand numbers whatever the size of the set. */
const BUCKETS = 64;

/**
 * Measures the tables `located` and `joined_<index>` of a join that has run; the sources are not read again. The same at any number of threads: ages
 * are counted by bucket, and a bucket stands for its greatest age.
 */
export async function measureStaleness(
  plan: ViewPlan,
  entityRows: number,
  runner: StatementRunner,
): Promise<ViewStaleness> {
  const found = await runner.row("SELECT count(*) AS n, count(*) FILTER (NOT alive) AS expired FROM located");
  const columns = plan.projection.features.map(({ feature }) => featureColumn(feature));
  const counted = columns.flatMap((column, i) => [
    `count(${column}) AS n${i}`,
    `max(CASE WHEN ${column} IS NOT NULL THEN age END) AS a${i}`,
  ]);
  const buckets = await runner.rows(
    `SELECT ${counted.join(", ")} FROM ${joinedTable(plan.index)} GROUP BY floor(log2(age + 1) * ${BUCKETS}) ORDER BY max(age)`,
  );
  return {
    absent: entityRows - Number(found["n"]),
    outOfTtl: Number(found["expired"]),
    ages: columns.map((_, i) => agesOf(buckets, `n${i}`, `a${i}`)),
  };
}

function agesOf(buckets: readonly EngineRow[], count: string, age: string): ValueAges | undefined {
  const filled = buckets.filter((bucket) => Number(bucket[count]) > 0);
  const last = filled.at(-1);
  if (last === undefined) return undefined;
  const total = filled.reduce((sum, bucket) => sum + Number(bucket[count]), 0);
  const quantile = (share: number): number => {
    let below = 0;
    const bucket = filled.find((each) => {
      below += Number(each[count]);
      return below >= share * total;
    });
    return Number((bucket ?? last)[age]);
  };
  return { p50: quantile(0.5), p90: quantile(0.9), max: Number(last[age]) };
}
