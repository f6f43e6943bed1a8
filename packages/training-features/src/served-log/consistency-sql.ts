import { type Feature, type ServedLogDescription, scalarOf, type ValueType } from "@larder/schema";
import { featureColumn } from "../offline/source-scan.ts";
import { bigintLiteral, quoteName, quoteText } from "../offline/sql-text.ts";

/**
 * What a logged value turns out to be:
 * `match`: what the offline store says for that time.
 * `late`: what was known by then; a row that counts for that time was created after the answer.
 * `behind`: an older row of the offline store; the newer one had been created and was not online yet.
 * `mismatch`: both have a value, or a null, and they differ. `missing`: only the log has one. `extra`: only the offline store has one.
 * `degraded`, `overridden`: not compared.
 */
export const VERDICTS = ["match", "late", "behind", "mismatch", "missing", "extra", "degraded", "overridden"] as const;

/** One of {@link VERDICTS}. */
export type Verdict = (typeof VERDICTS)[number];

/** What judging the features of a view depends on. */
export interface JudgedView {
  /** Whether created times tell what had arrived. */
  readonly arrival: boolean;
  /** SQL of the logged row's age. */
  readonly age: string;
  /** The online TTL in microseconds. */
  readonly ttl: number | undefined;
}

/**
 * Table `entity_rows`: a tenant's rows of a log as a join takes them, with `moment` in microseconds, keys as `e.<name>`, and per feature of the
 * description its value, status, age and override as `v`, `s`, `a`, `o` and its position.
 */
export function logRowsSql(description: ServedLogDescription, from: string, tenant: string): string {
  const keys = description.join_keys.map(({ name, type, column }) => {
    const sql = quoteName(column);
    return `${type === "int32" ? `CAST(${sql} AS BIGINT)` : sql} AS ${quoteName(`e.${name}`)}`;
  });
  const features = description.features.flatMap((feature, i) =>
    feature.kind === "request"
      ? []
      : [
          `${quoteName(feature.value)} AS l${i}`,
          `${quoteName(feature.status)} AS s${i}`,
          `${quoteName(feature.age)} AS a${i}`,
          `${quoteName(feature.overridden)} AS o${i}`,
        ],
  );
  const columns = [`epoch_us(served_at) AS moment`, "request_id", `"row"`, "degraded", ...keys, ...features];
  return `CREATE OR REPLACE TEMP TABLE entity_rows AS
SELECT ${columns.join(", ")} FROM ${from} WHERE tenant = ${quoteText(tenant)} ORDER BY served_at, request_id, "row"`;
}

/**
 * Table `judged`: a verdict per row for one feature, by what the tables `by_event`, `known` (arrived by then) and `as_logged` (at the logged row's own
 * event time) say. NOT_FOUND and OUTSIDE_MAX_AGE are one: past its TTL a row may read as either.
 */
export function judgeSql({ arrival, age, ttl }: JudgedView, feature: Feature, at: number): string {
  const column = featureColumn(feature);
  const status = (a: string): string => {
    const old = ttl === undefined ? "" : ` OR r.moment > ${a}.event + ${bigintLiteral(BigInt(ttl))}`;
    return `CASE WHEN ${a}.row_no IS NULL OR ${a}.tombstone${old} THEN 'NONE' WHEN ${a}.${column} IS NULL THEN 'NULL_VALUE' ELSE 'PRESENT' END`;
  };
  const logged = `CASE WHEN r.s${at} IN ('NOT_FOUND', 'OUTSIDE_MAX_AGE') THEN 'NONE' ELSE r.s${at} END`;
  const agrees = (a: string): string =>
    `(${status(a)} = ${logged} AND (r.s${at} <> 'PRESENT' OR r.l${at} IS NOT DISTINCT FROM ${a}.${column}))`;
  const older = `(w.row_no IS NOT NULL AND NOT w.tombstone AND w.event = r.moment - ${age} AND w.event < k.event AND CASE r.s${at}
    WHEN 'PRESENT' THEN r.l${at} IS NOT DISTINCT FROM w.${column} WHEN 'NULL_VALUE' THEN w.${column} IS NULL ELSE r.s${at} = 'OUTSIDE_MAX_AGE' END)`;
  const verdict = [
    `WHEN r.o${at} THEN 'overridden'`,
    "WHEN r.degraded THEN 'degraded'",
    `WHEN ${agrees("b")} THEN 'match'`,
    ...(arrival ? [`WHEN ${agrees("k")} THEN 'late'`] : []),
    `WHEN coalesce(${older}, false) THEN 'behind'`,
    `WHEN ${logged} <> 'NONE' AND ${status("k")} = 'NONE' THEN 'missing'`,
    `WHEN ${logged} = 'NONE' AND ${status("k")} <> 'NONE' THEN 'extra'`,
  ];
  const keep = `CASE WHEN r.s${at} = 'PRESENT' THEN r.l${at} END`;
  return `CREATE OR REPLACE TEMP TABLE judged AS
SELECT r.rowid AS row_no, r.* EXCLUDE (degraded), ${keep} AS logged, r.s${at} AS logged_status,
  CASE WHEN ${status("k")} = 'PRESENT' THEN k.${column} END AS offline, ${status("k")} AS offline_status,
  CASE ${verdict.join("\n  ")} ELSE 'mismatch' END AS verdict
FROM entity_rows AS r LEFT JOIN by_event AS b ON b.row_no = r.rowid LEFT JOIN known AS k ON k.row_no = r.rowid
LEFT JOIN as_logged AS w ON w.row_no = r.rowid`;
}

/** One row: how often each verdict was found, and how far numbers are apart. */
export function summarySql(type: ValueType): string {
  const counts = VERDICTS.map((verdict) => `count(*) FILTER (verdict = ${quoteText(verdict)}) AS ${verdict}`);
  const numeric = type === scalarOf(type) && ["int32", "int64", "float32", "float64"].includes(type);
  const error = "abs(CAST(logged AS DOUBLE) - CAST(offline AS DOUBLE))";
  const errors = numeric
    ? [
        `max(${error}) FILTER (verdict = 'mismatch' AND isfinite(${error})) AS max_abs`,
        `max(${error} / abs(CAST(offline AS DOUBLE))) FILTER (verdict = 'mismatch' AND isfinite(${error}) AND offline <> 0) AS max_rel`,
      ]
    : ["CAST(NULL AS DOUBLE) AS max_abs", "CAST(NULL AS DOUBLE) AS max_rel"];
  return `SELECT count(*) AS n, ${[...counts, ...errors].join(", ")} FROM judged`;
}
