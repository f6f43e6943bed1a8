import type { Feature } from "@larder/schema";
import { featureColumn, keyColumns, scanSql, type TimeRange } from "../offline/source-scan.ts";
import type { SourceTable } from "../offline/source-table.ts";
import { bigintLiteral, INT64_MIN, quoteName } from "../offline/sql-text.ts";
import type { AsOf, JoinProjection, JoinSpec } from "./join-spec.ts";
import { winnerOrder } from "./winner-order.ts";

/*
 * The join of one view, in statements that each leave a temporary table. Nothing wide is ever sorted:
 *
 *   wanted    entity rows with a time and whole keys:            row_no, k0…, moment
 *   located   the winner's times for each, by one ASOF join:     row_no, k0…, moment, event[, known], alive
 *   fetched   the winners' rows, by a hash join on those times:  k0…, event[, known], created, tombstone, v…
 *   joined_i  features by entity row, what `output` puts beside the entity rows
 *
 * event_time: the winner has the latest event time at or before the entity row's, so ASOF on the event time alone finds it; created time and
 * values matter only among rows of that very event time, which `fetched` settles.
 *
 * bitemporal: a row is visible from known = max(event, created) on. Of each key only rows whose event time is the running maximum over known can
 * win; the last of them with known <= the entity row's time has the winner's event time and, among the visible rows of that event time, the
 * greatest known. So one ASOF on known finds both, and again `fetched` settles the rest.
 *
 * TTL (`alive`) and tombstones are applied after the winner is found, never before: if the winner, which has the latest event time, is too old, so
 * is every other row.
 */

/** Where the statements of one view get their rows. */
export interface ViewPlan {
  readonly projection: JoinProjection;
  /** Position in the request; names the table that is left. */
  readonly index: number;
  readonly table: SourceTable;
  readonly range: TimeRange;
  /** Whether rows of keys that are not wanted are dropped before they are sorted. */
  readonly cutKeys: boolean;
  /** SQL of the entity rows' key columns (in the order of the view's) and time, over the table `entity_rows`. */
  readonly entityKeys: readonly string[];
  readonly entityTime: string;
  readonly pathOf?: ((file: string) => string) | undefined;
}

/** Name of the table with a projection's features. */
export function joinedTable(index: number): string {
  return `joined_${index}`;
}

/** Name of the table with the times of a projection's winners, see {@link foundSql}. */
export function foundTable(index: number): string {
  return `found_${index}`;
}

/** Entity rows that can find anything. `row_no` is their position. */
export function wantedSql(plan: Omit<ViewPlan, "cutKeys">): string {
  const keys = plan.entityKeys.length === 0 ? ["0 AS k0"] : plan.entityKeys.map((sql, i) => `${sql} AS k${i}`);
  const present = [plan.entityTime, ...plan.entityKeys].map((sql) => `${sql} IS NOT NULL`).join(" AND ");
  return `CREATE OR REPLACE TEMP TABLE wanted AS
SELECT rowid AS row_no, ${keys.join(", ")}, ${plan.entityTime} AS moment
FROM entity_rows WHERE ${present}`;
}

/** The winner's times for each row of the table `wanted`, under a rule; rows that find nothing are left out. */
export function locateSql(plan: ViewPlan, rule: AsOf, target: string, wanted: string): string {
  if (rule === "event_time")
    return asofSql(plan, target, wanted, "event", ["event"], candidatesSql(plan, wanted, false));
  const keys = keysOf(plan).join(", ");
  const winners = `${knownSql(plan, wanted)}
QUALIFY event >= max(event) OVER (PARTITION BY ${keys} ORDER BY known RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`;
  return asofSql(plan, target, wanted, "known", ["event", "known"], winners);
}

/**
 * For each row of the table `wanted`, one of the rows that arrived last before it, not necessarily the winner: where that is alive, so is the winner.
 * Cheaper than finding the winner.
 */
export function arrivedSql(plan: ViewPlan, target: string, wanted: string): string {
  return asofSql(plan, target, wanted, "known", ["event"], knownSql(plan, wanted));
}

/** The last of `rows` whose `time` is not after the entity row's. */
function asofSql(
  plan: ViewPlan,
  target: string,
  wanted: string,
  time: "event" | "known",
  columns: readonly string[],
  rows: string,
): string {
  const keys = keysOf(plan);
  const select = [
    ...["row_no", ...keys, "moment"].map((column) => `l.${column}`),
    ...columns.map((column) => `f.${column}`),
  ];
  return `CREATE OR REPLACE TEMP TABLE ${target} AS
SELECT ${select.join(", ")}, ${aliveSql(plan.projection)} AS alive
FROM ${wanted} AS l ASOF JOIN (
${rows}
) AS f ON ${keys.map((key) => `l.${key} = f.${key}`).join(" AND ")} AND l.moment >= f.${time}`;
}

/** The view's rows, where it is worth it those of the wanted keys only; a part of `wanted` is always taken to have few. */
function candidatesSql(plan: ViewPlan, wanted: string, created: boolean): string {
  const { table, range, pathOf } = plan;
  const scan = scanSql(table, { created, range, pathOf });
  if (!plan.cutKeys && wanted === "wanted") return scan;
  const same = keysOf(plan).map((key) => `s.${key} = w.${key}`);
  return `SELECT s.* FROM (\n${scan}\n) AS s SEMI JOIN ${wanted} AS w ON ${same.join(" AND ")}`;
}

/** The candidates that some entity row may know, with the time from which on they are known. */
function knownSql(plan: ViewPlan, wanted: string): string {
  const { to } = plan.range;
  const upper = to === undefined ? "" : ` AND created <= ${bigintLiteral(to)}`;
  return `SELECT ${keysOf(plan).join(", ")}, event, greatest(event, created) AS known FROM (
${candidatesSql(plan, wanted, true)}
) WHERE created IS NOT NULL${upper}`;
}

/** The located winners with their features; several for one winner only where created time and tombstone are equal too. */
export function fetchSql(plan: ViewPlan): string {
  const columns = fetchedColumns(plan).join(", ");
  const winner = winnerColumns(plan).join(", ");
  return `CREATE OR REPLACE TEMP TABLE fetched AS
SELECT ${columns} FROM (
${rowsSql(
  plan,
  plan.projection.features.map(({ feature }) => feature),
)}
) AS f SEMI JOIN (SELECT * FROM located WHERE alive) AS l ON ${sameWinner(plan, "f", "l")}
QUALIFY rank() OVER (PARTITION BY ${winner} ORDER BY ${winnerOrder([])}) = 1`;
}

/** Winners that more than one row could be. */
export function tiedSql(plan: ViewPlan): string {
  const winner = winnerColumns(plan).join(", ");
  return `CREATE OR REPLACE TEMP TABLE tied AS SELECT ${winner} FROM fetched GROUP BY ${winner} HAVING count(*) > 1`;
}

/** Settles ties by the greatest values; run only if `tied` has rows. */
export function settleSql(plan: ViewPlan): string[] {
  const columns = fetchedColumns(plan).join(", ");
  const { features } = plan.table.view;
  return [
    `DELETE FROM fetched USING tied WHERE ${sameWinner(plan, "fetched", "tied")}`,
    `INSERT INTO fetched
SELECT ${columns} FROM (
${rowsSql(plan, features)}
) AS f SEMI JOIN tied AS t ON ${sameWinner(plan, "f", "t")}
QUALIFY row_number() OVER (PARTITION BY ${winnerColumns(plan).join(", ")} ORDER BY ${winnerOrder(features)}) = 1`,
  ];
}

/**
 * Features by entity row, and how old they are; every row here is a match, also one whose winner is a tombstone. Times are exact in a DOUBLE up to 285 years
 * from 1970; as BIGINT the difference of extreme ones would overflow.
 */
export function joinedSql(plan: ViewPlan): string {
  const values = plan.projection.features.map(({ feature }) => {
    const column = featureColumn(feature);
    return `CASE WHEN f.tombstone THEN NULL ELSE f.${column} END AS ${column}`;
  });
  return `CREATE OR REPLACE TEMP TABLE ${joinedTable(plan.index)} AS
SELECT l.row_no, CAST(l.moment AS DOUBLE) - CAST(l.event AS DOUBLE) AS age, ${values.join(", ")}
FROM located AS l JOIN fetched AS f ON ${sameWinner(plan, "l", "f")} WHERE l.alive`;
}

/** Table `target`: the winner of each entity row with its times, past its TTL or a tombstone as it may be; for a projection without TTL. */
export function winnersSql(plan: ViewPlan, target: string): string {
  const values = plan.projection.features.map(({ feature }) => `f.${featureColumn(feature)}`);
  return `CREATE OR REPLACE TEMP TABLE ${target} AS
SELECT l.row_no, f.event, f.tombstone, ${values.join(", ")}
FROM located AS l JOIN fetched AS f ON ${sameWinner(plan, "l", "f")}`;
}

/** Times of the located winners by entity row, for the linter; created time and tombstone only of those within their TTL. */
export function foundSql(plan: ViewPlan): string {
  const located = ["row_no", ...keysOf(plan), "moment", "event", "alive"].map((column) => `l.${column}`).join(", ");
  return `CREATE OR REPLACE TEMP TABLE ${foundTable(plan.index)} AS
SELECT ${located}, f.created, coalesce(f.tombstone, false) AS tombstone
FROM located AS l LEFT JOIN fetched AS f ON l.alive AND ${sameWinner(plan, "l", "f")}`;
}

/** Table `rest`: entity rows for which the bitemporal rule found nothing. */
export function unmatchedSql(): string {
  return `CREATE OR REPLACE TEMP TABLE rest AS
SELECT w.* FROM wanted AS w ANTI JOIN (SELECT * FROM located WHERE alive) AS l ON w.row_no = l.row_no`;
}

/** Table `rest`: entity rows whose winner by event time had not been created by then. */
export function lateSql(plan: ViewPlan): string {
  return `CREATE OR REPLACE TEMP TABLE rest AS
SELECT w.* FROM wanted AS w JOIN located AS l ON w.row_no = l.row_no JOIN fetched AS f ON ${sameWinner(plan, "l", "f")}
WHERE l.alive AND (f.created IS NULL OR f.created > l.moment)`;
}

/** Table `rest`: entity rows whose last arrival is too old, so that another may be their winner. */
export function undecidedSql(plan: ViewPlan): string {
  return `CREATE OR REPLACE TEMP TABLE rest AS
SELECT row_no, ${keysOf(plan).join(", ")}, moment FROM located_rest WHERE NOT alive`;
}

/** Join condition on keys and event time. */
export function matchedOn(plan: ViewPlan, a: string, b: string): string {
  return [...keysOf(plan), "event"].map((column) => `${a}.${column} = ${b}.${column}`).join(" AND ");
}

/** The training set: entity rows in their order, `columns` as they came, features beside them, then `added` columns over the entity rows. */
export function outputSql(spec: JoinSpec, columns: readonly string[], added: readonly string[] = []): string {
  const entity = columns.map((name, i) => `e.c${i} AS ${quoteName(name)}`);
  const features = spec.outputs.map(({ projection, feature: { feature, output } }) => {
    const value = `j${projection}.${featureColumn(feature)}`;
    return `${outputValue(value, feature.type)} AS ${quoteName(output)}`;
  });
  const joins = spec.projections.map((_, i) => `LEFT JOIN ${joinedTable(i)} AS j${i} ON j${i}.row_no = e.rowid`);
  return `SELECT ${[...entity, ...features, ...added].join(", ")}\nFROM entity_rows AS e\n${joins.join("\n")}\nORDER BY e.rowid`;
}

/** Inside, a unix_timestamp is epoch seconds; in Parquet it is an instant. */
function outputValue(value: string, type: string): string {
  if (type === "unix_timestamp") return `make_timestamptz(${value} * 1000000)`;
  return type === "list<unix_timestamp>" ? `list_transform(${value}, lambda e: make_timestamptz(e * 1000000))` : value;
}

function rowsSql(plan: ViewPlan, features: readonly Feature[]): string {
  const { projection, table, range, pathOf } = plan;
  const scan = scanSql(table, { created: true, tombstone: true, features, range, pathOf });
  return projection.rule === "event_time"
    ? scan
    : `SELECT *, greatest(event, created) AS known FROM (\n${scan}\n) WHERE created IS NOT NULL`;
}

/** Whether the winner is within the TTL, inclusive. The entity row's time is clamped so that the subtraction stays in int64. */
function aliveSql({ ttl }: JoinProjection): string {
  if (ttl === undefined) return "true";
  return `f.event >= greatest(l.moment, ${bigintLiteral(INT64_MIN + ttl)}) - ${bigintLiteral(ttl)}`;
}

function keysOf(plan: ViewPlan): string[] {
  return keyColumns(plan.projection.keys.length);
}

function winnerColumns(plan: ViewPlan): string[] {
  return [...keysOf(plan), "event", ...(plan.projection.rule === "bitemporal" ? ["known"] : [])];
}

function sameWinner(plan: ViewPlan, a: string, b: string): string {
  return winnerColumns(plan)
    .map((column) => `${a}.${column} = ${b}.${column}`)
    .join(" AND ");
}

function fetchedColumns(plan: ViewPlan): string[] {
  return [
    ...winnerColumns(plan),
    "created",
    "tombstone",
    ...plan.projection.features.map(({ feature }) => featureColumn(feature)),
  ];
}
