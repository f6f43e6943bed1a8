import { type Definitions, isListType, LarderError, scalarOf, type ValueType } from "@larder/schema";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import { featureColumn, type TimeRange } from "../offline/source-scan.ts";
import type { SourceColumn, SourceTable } from "../offline/source-table.ts";
import { dropTables, INT64_MIN } from "../offline/sql-text.ts";
import { StatementRunner } from "../offline/statement-runner.ts";
import { joinedTable } from "../point-in-time/build-sql.ts";
import type { JoinProjection } from "../point-in-time/join-spec.ts";
import { looksLikeLoadTime, type MatchCounts } from "../point-in-time/match-counts.ts";
import type { JoinViewInput, ViewResult } from "../point-in-time/run-join.ts";
import { measureAges } from "../point-in-time/staleness.ts";
import {
  type SparkViewPlan,
  sparkBadValueSql,
  sparkCountsSql,
  sparkCreatedSql,
  sparkExampleSql,
  sparkJoinSql,
} from "./spark-join-sql.ts";
import type { SparkEngine } from "./spark-session.ts";
import { openSparkSource, type SparkSource } from "./spark-source.ts";
import { quoteSparkName } from "./spark-text.ts";

/** Entity rows as the cluster has them. */
export interface SparkEntities {
  /** What statements select from. */
  readonly relation: string;
  readonly count: number;
  /** Join column -> the relation's column. */
  readonly keys: ReadonlyMap<string, string>;
  /** Column of the time in microseconds. */
  readonly moment: string;
  /** Column of a row's number. */
  readonly number: string;
  readonly minTime: bigint | undefined;
  readonly maxTime: bigint | undefined;
}

/** What {@link planSparkView} needs. */
export interface SparkViewInput {
  readonly spark: SparkEngine;
  readonly definitions: Definitions;
  readonly tenant: string;
  readonly projection: JoinProjection;
  readonly entities: SparkEntities;
  readonly signal: AbortSignal | undefined;
}

/** A view that can be joined: its source is there and fits, its values are of their types, and its created times can be what they are taken for. */
export interface SparkView {
  readonly plan: SparkViewPlan;
  readonly table: SourceTable;
  readonly matched: MatchCounts;
  readonly unjoinable: number;
  /** Entity rows that find any row by the view's rule, past its TTL as it may be. */
  readonly located: number;
}

/**
 * Opens a view's source on the cluster, checks it, and counts what each rule finds.
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_MISMATCH, CREATED_LOOKS_LIKE_LOAD_TIME, OFFLINE_FAILED, ABORTED
 */
export async function planSparkView(input: SparkViewInput): Promise<SparkView> {
  const { spark, definitions, tenant, projection, entities, signal } = input;
  const { view } = projection;
  const source = await openSparkSource(spark, definitions, view, tenant, signal);
  const call: EngineCall = { subject: { kind: "source", view: view.name, files: [source.path] }, signal };
  const plan: SparkViewPlan = {
    projection,
    source,
    range: rangeOf(projection, entities),
    entities: entities.relation,
    keys: projection.keys.map(({ entityColumn }) => entities.keys.get(entityColumn)!),
    moment: entities.moment,
    number: entities.number,
  };
  await checkSparkValues(spark, plan, call);
  const [size] = await spark.rows(`SELECT count(*) AS n FROM ${source.relation}`, call);
  const [counts] = await spark.rows(sparkCountsSql(plan), call);
  const eventTime = Number(counts?.["event_time"]);
  const bitemporal = Number(counts?.["bitemporal"]);
  const matched: MatchCounts = { eventTime, bitemporal: projection.hasArrival ? bitemporal : undefined };
  if (projection.rule === "bitemporal" && !projection.arrivalStated && bitemporal * 2 < eventTime) {
    throw looksLikeLoadTime(projection, { eventTime, bitemporal }, await exampleOf(spark, plan, call));
  }
  return {
    plan,
    table: {
      view,
      tenant,
      files: [source.path],
      state: new Map(),
      rows: new Map([[source.path, Number(size?.["n"])]]),
      groups: [source.columns],
      paths: new Map(),
      subject: call.subject,
      nameOf: (path) => path,
    },
    matched,
    unjoinable: entities.count - Number(counts?.["joinable"]),
    located: Number(counts?.["located"]),
  };
}

/** Joins one view on the cluster and leaves its features beside the entity rows in this process, in the table `joined_<index>`. */
export async function joinViewOnSpark(
  input: JoinViewInput,
  spark: SparkEngine,
  entities: SparkEntities,
): Promise<ViewResult> {
  const { engine, projection, index, signal, onProgress } = input;
  const { plan, table, matched, unjoinable, located } = await planSparkView({ ...input, spark, entities });
  const columns = projection.features.map(({ feature }) => featureColumn(feature));
  const sql = sparkJoinSql(plan, { carried: [plan.number], features: columns, keepUnmatched: false, age: true });
  const call: EngineCall = { subject: table.subject, signal, onProgress };
  const types = projection.features.map(({ type }) => type);
  const exact = columns.map((column, i) => `${exactSql(column, types[i]!)} AS ${column}`);
  const loaded = [
    { name: "row_no", type: "BIGINT" },
    { name: "age", type: "DOUBLE" },
    ...columns.map((name, i) => ({ name, type: localType(types[i]!) })),
  ];
  const select = `SELECT ${[`${plan.number} AS row_no`, "age", ...exact].join(", ")} FROM (\n${sql}\n) AS found`;
  await engine.load("joined_raw", loaded, spark.batches(select, call), call);
  await nameJoined(engine, index, columns, types, { subject: call.subject, signal });
  const present = columns.map((column, i) => `count(${column}) AS f${i}`);
  const [facts] = await engine.rows(`SELECT ${["count(*) AS n", ...present].join(", ")} FROM ${joinedTable(index)}`, {
    subject: { kind: "plan" },
    signal,
  });
  return {
    projection,
    table,
    matched,
    unjoinable,
    nulls: columns.map((_, i) => input.entities.count - Number(facts?.[`f${i}`])),
    staleness: {
      absent: input.entities.count - located,
      outOfTtl: located - Number(facts?.["n"]),
      ages: await measureAges(projection, index, new StatementRunner(engine, { kind: "plan" }, { signal })),
    },
    sql: [sql],
  };
}

async function nameJoined(
  engine: OfflineEngine,
  index: number,
  columns: readonly string[],
  types: readonly ValueType[],
  call: EngineCall,
): Promise<void> {
  const read = columns.map((column, i) => `${textSql(column, types[i]!)} AS ${column}`);
  const select = ["row_no", "age", ...read].join(", ");
  await engine.run(`CREATE OR REPLACE TEMP TABLE ${joinedTable(index)} AS SELECT ${select} FROM joined_raw`, call);
  await engine.run(dropTables(["joined_raw"]), call);
}

function rangeOf(projection: JoinProjection, { minTime, maxTime }: SparkEntities): TimeRange {
  const from = minTime === undefined || projection.ttl === undefined ? undefined : minTime - projection.ttl;
  return { from: from === undefined || from < INT64_MIN ? undefined : from, to: maxTime };
}

/** All features of the view are looked at: they settle ties. */
async function checkSparkValues(spark: SparkEngine, plan: SparkViewPlan, call: EngineCall): Promise<void> {
  const { source } = plan;
  const { keys, event, created, features } = source.columns;
  const suspects = [...keys, event, ...(created === undefined ? [] : [created]), ...features].flatMap((column) =>
    column.reading.bad === undefined ? [] : [{ column, sql: quoteSparkName(column.column), bad: column.reading.bad }],
  );
  if (suspects.length === 0) return;
  const [found] = await spark.rows(sparkBadValueSql(plan, suspects), call);
  if (found === undefined) return;
  throw badValue(source, suspects[Number(found["which"])]!.column, String(found["value"]));
}

function badValue({ view, path }: SparkSource, { column, reading, found }: SourceColumn, value: string): LarderError {
  const shown = value.length > 60 ? `${value.slice(0, 60)}…` : value;
  return new LarderError("SOURCE_MISMATCH", {
    what: `The source of feature view "${view.name}" does not fit it: ${path}: column "${column}": ${shown} ${reading.fault}`,
    remedy: "Correct the value, or the type in feature_store.yaml",
    facts: { view: view.name, file: path, column, found },
  });
}

async function exampleOf(spark: SparkEngine, plan: SparkViewPlan, call: EngineCall) {
  const [row] = await spark.rows(sparkExampleSql(plan), call);
  const { keys } = plan.projection;
  const texts = keys.map((_, i) => String(row?.[`k${i}`]));
  const event = row?.["event"] as bigint;
  const [earliest] = await spark.rows(sparkCreatedSql(plan, texts, event), call);
  const created = earliest?.["created"];
  return {
    row: Number(row?.["n"]),
    keys: keys.map(({ entityColumn }, i) => `${entityColumn} ${texts[i]}`).join(", "),
    at: isoOf(row?.["moment"] as bigint),
    event: isoOf(event),
    created: typeof created === "bigint" ? isoOf(created) : "at an unknown time",
  };
}

/** ISO 8601 with microseconds. */
function isoOf(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(fraction).padStart(6, "0")}Z`;
}

/** Text travels as bytes: the client's decoder would drop a byte order mark. */
function exactSql(column: string, type: ValueType): string {
  if (scalarOf(type) !== "string") return column;
  return isListType(type) ? `transform(${column}, e -> CAST(e AS BINARY))` : `CAST(${column} AS BINARY)`;
}

function textSql(column: string, type: ValueType): string {
  if (scalarOf(type) !== "string") return column;
  return isListType(type) ? `list_transform(${column}, lambda e: decode(e))` : `decode(${column})`;
}

const LOCAL_TYPES = {
  int32: "INTEGER",
  int64: "BIGINT",
  float32: "FLOAT",
  float64: "DOUBLE",
  bool: "BOOLEAN",
  string: "BLOB",
  bytes: "BLOB",
  unix_timestamp: "BIGINT",
} as const;

function localType(type: ValueType): string {
  return `${LOCAL_TYPES[scalarOf(type)]}${isListType(type) ? "[]" : ""}`;
}
