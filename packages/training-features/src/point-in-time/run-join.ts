import type { Definitions } from "@larder/schema";
import type { ObjectStore } from "../object-store/object-store.ts";
import { checkValues } from "../offline/check-values.ts";
import type { OfflineEngine } from "../offline/offline-engine.ts";
import { featureColumn, type TimeRange } from "../offline/source-scan.ts";
import { openSourceTable, type SourceTable } from "../offline/source-table.ts";
import { dropTables, INT64_MIN } from "../offline/sql-text.ts";
import { StatementRunner } from "../offline/statement-runner.ts";
import type { EntityRows } from "../training-set/entity-rows.ts";
import {
  fetchSql,
  foundSql,
  joinedSql,
  joinedTable,
  locateSql,
  settleSql,
  tiedSql,
  type ViewPlan,
  wantedSql,
} from "./build-sql.ts";
import type { JoinProjection } from "./join-spec.ts";
import { shouldCutKeys } from "./key-share.ts";
import { countMatches, type MatchCounts } from "./match-counts.ts";
import { measureAges, type ViewStaleness } from "./staleness.ts";

/** Tables that a join makes on its way. */
export const JOIN_TABLES = ["wanted", "located", "fetched", "tied", "rest", "located_rest"] as const;

/** What {@link joinView} needs. */
export interface JoinViewInput {
  readonly engine: OfflineEngine;
  readonly definitions: Definitions;
  readonly tenant: string;
  readonly projection: JoinProjection;
  /** Position of the projection in its join. */
  readonly index: number;
  readonly entities: EntityRows;
  readonly objects: ObjectStore;
  /** Path of a file in the statements that are reported. */
  readonly pathOf: (file: string) => string;
  /** Leaves the winners' times, too, as the table `found_<index>`. */
  readonly keepTimes: boolean;
  readonly signal: AbortSignal | undefined;
  /** Share of this view's join that is done, 0 to 1. */
  readonly onProgress: (fraction: number) => void;
}

/** What joining one view left beside the table `joined_<index>`. */
export interface ViewResult {
  readonly projection: JoinProjection;
  readonly table: SourceTable;
  readonly matched: MatchCounts;
  /** Entity rows that have no time or no whole key for this view: they find nothing. */
  readonly unjoinable: number;
  /** Entity rows in which each feature is null, in the order of `projection.features`. */
  readonly nulls: readonly number[];
  /** undefined where the cluster writes the output, and hands out nothing. */
  readonly staleness: ViewStaleness | undefined;
  /** The join's statements. */
  readonly sql: readonly string[];
}

/**
 * Joins one view to the table `entity_rows`.
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_MISMATCH, UNSUPPORTED, CREATED_LOOKS_LIKE_LOAD_TIME, ABORTED, OFFLINE_FAILED
 */
export async function joinView(input: JoinViewInput): Promise<ViewResult> {
  const { engine, definitions, tenant, projection, entities, objects, signal } = input;
  const { view } = projection;
  const range = rangeOf(input);
  const table = await openSourceTable(engine, { definitions, view, tenant, objects, range, signal });
  const start = planOf(input, table);
  const features = projection.features.map(({ feature }) => feature);
  await checkValues(engine, table, features, start.range, signal);

  const runner = new StatementRunner(engine, table.subject, input);
  await runner.run(wantedSql(start), 0.05);
  const plan: ViewPlan = { ...start, cutKeys: await shouldCutKeys(start, runner) };
  await runner.run(locateSql(plan, projection.rule, "located", "wanted"), 0.5);
  await runner.run(fetchSql(plan), 0.3);
  await runner.run(tiedSql(plan), 0.05);
  const ties = await runner.count("tied");
  if (ties > 0) {
    await checkValues(engine, table, view.features, plan.range, signal);
    for (const statement of settleSql(plan)) await runner.run(statement);
  }
  await runner.run(joinedSql(plan), 0.1);
  if (input.keepTimes) await runner.run(foundSql(plan));
  const present = features.map((feature, i) => `count(${featureColumn(feature)}) AS f${i}`);
  const facts = await runner.row(
    `SELECT count(*) AS n, (SELECT count(*) FROM wanted) AS wanted, ${present.join(", ")} FROM ${joinedTable(plan.index)}`,
  );
  const located = await runner.count("located");
  const staleness: ViewStaleness = {
    absent: entities.count - located,
    outOfTtl: located - Number(facts["n"]),
    ages: await measureAges(projection, plan.index, runner),
  };
  const matched = await countMatches(plan, Number(facts["n"]), runner);
  await runner.run(dropTables(JOIN_TABLES));
  return {
    projection,
    table,
    matched,
    unjoinable: entities.count - Number(facts["wanted"]),
    nulls: features.map((_, i) => entities.count - Number(facts[`f${i}`])),
    staleness,
    sql: statementsOf({ ...plan, pathOf: (path) => input.pathOf(table.nameOf(path)) }, ties > 0),
  };
}

/** Event times of the rows that may be found. */
function rangeOf({ projection, entities: { minTime, maxTime } }: JoinViewInput): TimeRange {
  const from = minTime === undefined || projection.ttl === undefined ? undefined : minTime - projection.ttl;
  return { from: from === undefined || from < INT64_MIN ? undefined : from, to: maxTime };
}

function planOf(input: JoinViewInput, table: SourceTable): Omit<ViewPlan, "cutKeys"> {
  const { projection, index, entities } = input;
  return {
    projection,
    index,
    table,
    range: rangeOf(input),
    entityKeys: projection.keys.map(({ entityColumn }) => entities.keys.get(entityColumn)!),
    entityTime: entities.time,
  };
}

function statementsOf(plan: ViewPlan, settled: boolean): string[] {
  return [
    wantedSql(plan),
    locateSql(plan, plan.projection.rule, "located", "wanted"),
    fetchSql(plan),
    ...(settled ? [tiedSql(plan), ...settleSql(plan)] : []),
    joinedSql(plan),
  ];
}
