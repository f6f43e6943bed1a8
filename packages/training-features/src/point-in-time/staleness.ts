import type { EngineRow } from "../offline/offline-engine.ts";
import { featureColumn } from "../offline/source-scan.ts";
import type { StatementRunner } from "../offline/statement-runner.ts";
import { joinedTable } from "./build-sql.ts";
import type { JoinProjection } from "./join-spec.ts";

/** How old the values of one feature are at the times of their entity rows, in microseconds; nulls are left out. Quantiles are at most 1.1 % too small. */
export interface ValueAges {
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

/**
 * How stale a view is for a set of entity rows. Rows of the view that no entity row could take for their age are not read: those from before the TTL of the
 * earliest entity row. Who finds only such a row counts as absent.
 */
export interface ViewStaleness {
  /** Entity rows that find no row of the view by the rule that holds. */
  readonly absent: number;
  /** Entity rows that find only a row that is past its TTL. */
  readonly outOfTtl: number;
  /** In the order of `projection.features`; undefined for a feature without any value. */
  readonly ages: readonly (ValueAges | undefined)[];
}

/** Buckets of ages per doubling. Exact quantiles would hold every age in memory; this holds some thousand numbers whatever the size of the set. */
const BUCKETS = 64;

/**
 * Measures the column `age` of the table `joined_<index>`; the sources are not read again. The same at any number of threads: ages are counted by bucket,
 * and a bucket stands for its greatest age of the feature.
 */
export async function measureAges(
  { features }: JoinProjection,
  index: number,
  runner: StatementRunner,
): Promise<ViewStaleness["ages"]> {
  const counted = features.flatMap(({ feature }, i) => {
    const column = featureColumn(feature);
    return [`count(${column}) AS n${i}`, `max(CASE WHEN ${column} IS NOT NULL THEN age END) AS a${i}`];
  });
  const buckets = await runner.rows(
    `SELECT ${counted.join(", ")} FROM ${joinedTable(index)} GROUP BY floor(log2(age + 1) * ${BUCKETS}) ORDER BY max(age)`,
  );
  return features.map((_, i) => agesOf(buckets, `n${i}`, `a${i}`));
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
