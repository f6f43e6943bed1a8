import { LarderError } from "@larder/schema";
import { scanSql } from "../offline/source-scan.ts";
import type { StatementRunner } from "../offline/statement-runner.ts";
import { lateSql, locateSql, matchedOn, unmatchedSql, type ViewPlan } from "./build-sql.ts";

/** How many entity rows found a row of the view under each rule (a tombstone is found too). */
export interface MatchCounts {
  readonly eventTime: number;
  /** undefined where the rule has no meaning: no created column, or one that means the time of a load. */
  readonly bitemporal: number | undefined;
}

/**
 * Counts matches under both rules, after the statements of `plan` found `found` under its own. What the bitemporal rule finds the event-time rule
 * finds too, so only the entity rows on which the two may differ are joined again.
 *
 * @throws CREATED_LOOKS_LIKE_LOAD_TIME where the bitemporal rule finds fewer than half of what the event-time rule finds and the file does not say
 *   what created times mean
 */
export async function countMatches(plan: ViewPlan, found: number, runner: StatementRunner): Promise<MatchCounts> {
  const { projection } = plan;
  if (!projection.hasArrival) return { eventTime: found, bitemporal: undefined };
  if (projection.rule === "event_time") {
    const late = await countRest(plan, lateSql(plan), runner);
    return { eventTime: found, bitemporal: found - late.rows + late.found };
  }
  const rest = await countRest(plan, unmatchedSql(), runner);
  const counts = { eventTime: found + rest.found, bitemporal: found };
  if (!projection.arrivalStated && found * 2 < counts.eventTime) {
    throw looksLikeLoadTime(plan, counts, await exampleOf(plan, runner));
  }
  return counts;
}

/** Joins the rows of the table `rest`, which `sql` makes, by the rule that is not the plan's. */
async function countRest(
  plan: ViewPlan,
  sql: string,
  runner: StatementRunner,
): Promise<{ rows: number; found: number }> {
  await runner.run(sql);
  const rows = await runner.count("rest");
  if (rows === 0) return { rows, found: 0 };
  const other = plan.projection.rule === "bitemporal" ? "event_time" : "bitemporal";
  await runner.run(locateSql(plan, other, "located_rest", "rest"));
  return { rows, found: await runner.count("located_rest WHERE alive") };
}

interface Example {
  readonly row: number;
  readonly keys: string;
  readonly at: string;
  readonly event: string;
  readonly created: string;
}

/** The first entity row that finds something by event time only, and the earliest that could be known of it. */
async function exampleOf(plan: ViewPlan, runner: StatementRunner): Promise<Example> {
  const keys = plan.projection.keys.map((_, i) => `CAST(l.k${i} AS VARCHAR) AS k${i}`);
  const time = (sql: string) => `strftime(make_timestamp(${sql}), '%Y-%m-%dT%H:%M:%S.%fZ')`;
  const row = await runner.row(
    `SELECT ${[...keys, "l.row_no", `${time("l.moment")} AS at`, `${time("l.event")} AS event`].join(", ")}, ${time("min(f.created)")} AS created
     FROM (SELECT * FROM located_rest WHERE alive ORDER BY row_no LIMIT 1) AS l
     JOIN (${scanSql(plan.table, { created: true, range: plan.range })}) AS f ON ${matchedOn(plan, "l", "f")} GROUP BY ALL`,
  );
  const shown = plan.projection.keys.map(({ entityColumn }, i) => `${entityColumn} ${String(row[`k${i}`])}`);
  return {
    row: Number(row["row_no"]),
    keys: shown.join(", "),
    at: String(row["at"]),
    event: String(row["event"]),
    created: row["created"] === null ? "at an unknown time" : String(row["created"]),
  };
}

function looksLikeLoadTime(
  plan: ViewPlan,
  counts: { eventTime: number; bitemporal: number },
  example: Example,
): LarderError {
  const { view } = plan.projection;
  const column = view.source?.createdTimestampColumn ?? "";
  const { bitemporal, eventTime } = counts;
  return new LarderError("CREATED_LOOKS_LIKE_LOAD_TIME", {
    what:
      `Feature view "${view.name}": only ${bitemporal} of the ${eventTime} entity rows that find a row by event time find one that had been created ` +
      `by then, so "${column}" looks like the time of a later load. For example entity row ${example.row} (${[example.keys, `at ${example.at}`].filter(Boolean).join(", ")}): ` +
      `the row of ${example.event} was created ${example.created}`,
    remedy:
      `Set "created_means: load_time" under the view's source if its history was loaded later, "created_means: arrival" if rows really arrive that late, ` +
      `or join as of event_time`,
    facts: {
      view: view.name,
      column,
      matched_bitemporal: bitemporal,
      matched_event_time: eventTime,
      example_row: example.row,
      example_at: example.at,
      example_event: example.event,
      example_created: example.created,
    },
  });
}
