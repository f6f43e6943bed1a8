import { type Feature, isListType, scalarOf } from "@larder/schema";
import type { TimeRange } from "../offline/source-scan.ts";
import { featureColumn, keyColumns } from "../offline/source-scan.ts";
import { bigintLiteral, INT64_MIN } from "../offline/sql-text.ts";
import type { JoinProjection } from "../point-in-time/join-spec.ts";
import { sparkTimeLiteral, sparkTypeOf } from "./spark-column.ts";
import type { SparkSource } from "./spark-source.ts";
import { quoteSparkName, quoteSparkText } from "./spark-text.ts";

/*
 * The join of one view in Spark's dialect, with nothing that Spark 3.5 or an engine like it lacks: one shuffle by key, no pairs, memory for one row.
 *
 *   ranked  the view's rows, numbered within their key from the one that loses every comparison to the one that wins them all
 *   kept    those that can win: by event time all; bitemporal those whose rank is the running maximum over known = max(event, created)
 *   merged  entity rows among them, each after the rows of its moment
 *   found   the last row before each entity row: last_value(row) IGNORE NULLS
 *
 * TTL and tombstones are a CASE after the winner is found, never a filter before. An entity row without time or whole key can find nothing; it has a
 * partition of its own, since all of them together would be one that no executor could hold.
 */

/** Where the statements of one view get their rows. */
export interface SparkViewPlan {
  readonly projection: JoinProjection;
  readonly source: SparkSource;
  readonly range: TimeRange;
  /** FROM clause of the entity rows. */
  readonly entities: string;
  /** Columns of the entity rows: keys in the order of the view's, the time in microseconds, and a number that few rows share. */
  readonly keys: readonly string[];
  readonly moment: string;
  readonly number: string;
}

/** What a join puts beside the columns of the entity rows that it carries. */
export interface SparkJoinOutput {
  /** Columns of the entity rows. */
  readonly carried: readonly string[];
  /** Name of each feature's column, in the order of `projection.features`. */
  readonly features: readonly string[];
  /** Keeps entity rows that find nothing, with nulls. */
  readonly keepUnmatched: boolean;
  /** Adds the column `age`: microseconds from the winner's event time to the entity row's, as a DOUBLE. */
  readonly age?: boolean;
}

/** Entity rows with the features that were known at their time. */
export function sparkJoinSql(plan: SparkViewPlan, output: SparkJoinOutput): string {
  const { projection } = plan;
  const { view } = projection;
  const keys = keyColumns(projection.keys.length);
  const members = ["event", "tombstone", ...projection.features.map(({ feature }) => featureColumn(feature))];
  const types = ["BIGINT", "BOOLEAN", ...projection.features.map(({ feature }) => sparkTypeOf(feature.type))];
  const row = `named_struct(${members.map((name) => `'${name}', ${name}`).join(", ")})`;
  const none = `CAST(NULL AS STRUCT<${members.map((name, i) => `${name}: ${types[i]}`).join(", ")}>)`;
  const carried = output.carried.map((column) => `${column}`);
  const values = projection.features.map(({ feature }, i) => {
    const value = `CASE WHEN alive AND NOT winner.tombstone THEN winner.${featureColumn(feature)} END`;
    return `${value} AS ${output.features[i]}`;
  });
  const age = output.age === true ? ["CAST(at AS DOUBLE) - CAST(winner.event AS DOUBLE) AS age"] : [];
  return `SELECT ${[...carried, ...age, ...values].join(", ")} FROM (
SELECT *, ${aliveSql(projection, "winner.event")} AS alive FROM (
SELECT *, last_value(row, true) OVER (PARTITION BY spread, ${keys.join(", ")} ORDER BY at, kind, rank ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS winner FROM (
SELECT ${["CAST(0 AS BIGINT) AS spread", ...keys, `${projection.rule === "event_time" ? "event" : "known"} AS at`, "0 AS kind", "rank", `${row} AS row`, ...carried.map((name) => `NULL AS ${name}`)].join(", ")} FROM (
${keptSql(plan, view.features)}
) AS kept
UNION ALL
SELECT ${[...entityColumns(plan), "1 AS kind", "CAST(NULL AS INT) AS rank", `${none} AS row`, ...carried].join(", ")} FROM ${plan.entities}
) AS merged
) AS found WHERE kind = 1
) AS joined${output.keepUnmatched ? "" : " WHERE alive"}`;
}

/**
 * One row: `n` entity rows, `joinable` of them with a time and whole keys, those that find a row by each rule, and `located`, those that find any by the
 * view's rule, past its TTL as it may be. Reads keys and times only: of the rows
 * that an entity row may see, the greatest event time says whether any is within the TTL.
 */
export function sparkCountsSql(plan: SparkViewPlan): string {
  const count = (when: string) => `coalesce(sum(CASE WHEN ${when} THEN 1L ELSE 0L END), 0L)`;
  return `SELECT count(*) AS n, ${count("spread = 0")} AS joinable, ${count(`${aliveSql(plan.projection, "happened")}`)} AS event_time, ${count(`${aliveSql(plan.projection, "arrived")}`)} AS bitemporal, ${count(`${plan.projection.rule === "event_time" ? "happened" : "arrived"} IS NOT NULL`)} AS located FROM (
${seenSql(plan, [])}
) AS seen`;
}

/** The first entity row that finds a row by event time and none that had arrived: `n` (its number), `moment`, `event`, and its keys as text. */
export function sparkExampleSql(plan: SparkViewPlan): string {
  const keys = keyColumns(plan.projection.keys.length);
  const happened = aliveSql(plan.projection, "happened");
  const arrived = aliveSql(plan.projection, "arrived");
  return `SELECT ${["n", "at AS moment", "happened AS event", ...keys.map((key) => `CAST(${key} AS STRING) AS ${key}`)].join(", ")} FROM (
${seenSql(plan, [`${plan.number} AS n`])}
) AS seen WHERE ${happened} AND NOT ${arrived} ORDER BY n LIMIT 1`;
}

/** The earliest created time of the rows of a key (as text) and an event time. */
export function sparkCreatedSql(plan: SparkViewPlan, keys: readonly string[], event: bigint): string {
  const same = keyColumns(plan.projection.keys.length).map((key, i) =>
    plan.projection.keys.length === 0 ? "true" : `CAST(${key} AS STRING) = ${quoteSparkText(keys[i]!)}`,
  );
  return `SELECT min(created) AS created FROM (
${scanSql(plan, [], "created")}
) AS s WHERE ${same.join(" AND ")} AND event = ${bigintLiteral(event)}`;
}

/** Rows whose values are not of their declared types: position of the column, and the value as text. */
export function sparkBadValueSql(
  plan: Pick<SparkViewPlan, "source" | "range">,
  suspects: readonly { readonly sql: string; readonly bad: string }[],
): string {
  const which = suspects.map(({ bad }, i) => `WHEN ${bad} THEN ${i}`).join(" ");
  const value = suspects.map(({ sql, bad }) => `WHEN ${bad} THEN CAST(${sql} AS STRING)`).join(" ");
  const where = [`(${suspects.map(({ bad }) => bad).join(" OR ")})`, ...rowPredicates(plan)];
  return `SELECT CASE ${which} END AS which, CASE ${value} END AS value FROM ${plan.source.relation} WHERE ${where.join(" AND ")} LIMIT 1`;
}

/** Entity rows with the greatest event times that they may see: of what had happened, and of what had arrived too. */
function seenSql(plan: SparkViewPlan, more: readonly string[]): string {
  const { projection } = plan;
  const keys = keyColumns(projection.keys.length);
  const none = "CAST(NULL AS BIGINT)";
  const nothing = more.map((sql) => `${none} AS ${sql.split(" AS ")[1]}`);
  const running = (column: string) =>
    `max(${column}) OVER (PARTITION BY spread, ${keys.join(", ")} ORDER BY at, kind ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`;
  const rows = (at: string, happened: string, arrived: string, scan: string) =>
    `SELECT ${["CAST(0 AS BIGINT) AS spread", ...keys, `${at} AS at`, "0 AS kind", `${happened} AS event`, `${arrived} AS known_event`, ...nothing].join(", ")} FROM (
${scan}
) AS s`;
  const branches = [
    rows("event", "event", none, scanSql(plan, [], "none")),
    ...(projection.hasArrival
      ? [`${rows("greatest(event, created)", none, "event", scanSql(plan, [], "created"))} WHERE created IS NOT NULL`]
      : []),
    `SELECT ${[...entityColumns(plan), "1 AS kind", `${none} AS event`, `${none} AS known_event`, ...more].join(", ")} FROM ${plan.entities}`,
  ];
  return `SELECT * FROM (
SELECT *, ${running("event")} AS happened, ${running("known_event")} AS arrived FROM (
${branches.join("\nUNION ALL\n")}
) AS merged
) AS marked WHERE kind = 1`;
}

/** Rows that can win, with `rank`. */
function keptSql(plan: SparkViewPlan, features: readonly Feature[]): string {
  const { projection } = plan;
  const keys = keyColumns(projection.keys.length).join(", ");
  const order = ["event", "created NULLS FIRST", "tombstone", ...features.flatMap(valueOrder)].join(", ");
  const scan = scanSql(plan, features, "all");
  if (projection.rule === "event_time") {
    return `SELECT *, row_number() OVER (PARTITION BY ${keys} ORDER BY ${order}) AS rank FROM (
${scan}
) AS s`;
  }
  return `SELECT * FROM (
SELECT *, max(rank) OVER (PARTITION BY ${keys} ORDER BY known RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS best FROM (
SELECT *, greatest(event, created) AS known, row_number() OVER (PARTITION BY ${keys} ORDER BY ${order}) AS rank FROM (
${scan}
) AS s WHERE created IS NOT NULL
) AS ranked
) AS compared WHERE rank >= best`;
}

/** Least first: null, then by value; 0.0 and -0.0 are equal, but not the same bytes. */
function valueOrder(feature: Feature): string[] {
  const column = featureColumn(feature);
  const order = `${column} NULLS FIRST`;
  const scalar = scalarOf(feature.type);
  if (scalar !== "float32" && scalar !== "float64") return [order];
  const positive = (sql: string) => `NOT (${sql} = 0 AND CAST(${sql} AS STRING) LIKE '-%')`;
  return [order, isListType(feature.type) ? `transform(${column}, e -> ${positive("e")})` : positive(column)];
}

/** The view's rows with whole keys and event time, in the range. `others`: beside keys, event time and features also the created time, or all else. */
function scanSql(plan: SparkViewPlan, features: readonly Feature[], others: "none" | "created" | "all"): string {
  const { columns, relation } = plan.source;
  const keys = columns.keys.map(({ reading }, i) => `${reading.value} AS k${i}`);
  const select = [...(keys.length === 0 ? ["0 AS k0"] : keys), `${columns.event.reading.value} AS event`];
  if (others !== "none") select.push(`${columns.created?.reading.value ?? "CAST(NULL AS BIGINT)"} AS created`);
  if (others === "all") select.push(`${columns.tombstone ?? "false"} AS tombstone`);
  for (const feature of features) {
    select.push(`${columns.features[feature.index]!.reading.value} AS ${featureColumn(feature)}`);
  }
  const present = [columns.event, ...columns.keys].map(({ reading }) => `${reading.value} IS NOT NULL`);
  return `SELECT ${select.join(", ")} FROM ${relation} WHERE ${[...present, ...rowPredicates(plan)].join(" AND ")}`;
}

/** The tenant's rows in the range of times. Bounds are in the column's own type where that is exact, so that files' statistics are used. */
function rowPredicates({ source, range }: Pick<SparkViewPlan, "source" | "range">): string[] {
  const { event, tenant } = source.columns;
  const bound = (operator: string, micros: bigint | undefined): string[] => {
    if (micros === undefined) return [];
    const literal = sparkTimeLiteral(micros, event.found);
    return literal === undefined
      ? [`${event.reading.value} ${operator} ${bigintLiteral(micros)}`]
      : [`${quoteSparkName(event.column)} ${operator} ${literal}`];
  };
  const own = tenant === undefined ? [] : [`${tenant} = ${quoteSparkText(source.tenant)}`];
  return [...own, ...bound(">=", range.from), ...bound("<=", range.to)];
}

/** `spread` is 0 for entity rows that can find something, and otherwise a partition of few. */
function entityColumns({ keys, moment, number }: SparkViewPlan): string[] {
  const present = [moment, ...keys].map((sql) => `${sql} IS NOT NULL`).join(" AND ");
  const columns = keys.length === 0 ? ["0 AS k0"] : keys.map((sql, i) => `${sql} AS k${i}`);
  return [`CASE WHEN ${present} THEN 0L ELSE 1L + ${number} END AS spread`, ...columns, `${moment} AS at`];
}

/** Whether a row is there and within the TTL, inclusive; never null. The entity row's time is clamped so that the subtraction stays in int64. */
function aliveSql({ ttl }: JoinProjection, event: string): string {
  if (ttl === undefined) return `(${event} IS NOT NULL)`;
  const oldest = `greatest(at, ${bigintLiteral(INT64_MIN + ttl)}) - ${bigintLiteral(ttl)}`;
  return `coalesce(${event} >= ${oldest}, false)`;
}
