import { LarderError } from "@larder/schema";
import { scanSql } from "../offline/source-scan.ts";
import { timeText } from "../offline/sql-text.ts";
import type { StatementRunner } from "../offline/statement-runner.ts";
import { arrivedSql, lateSql, locateSql, matchedOn, undecidedSql, unmatchedSql, type ViewPlan } from "./build-sql.ts";
import type { AsOf, JoinProjection } from "./join-spec.ts";

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
    const late = await countLate(plan, runner);
    return { eventTime: found, bitemporal: found - late.rows + late.found };
  }
  await runner.run(unmatchedSql());
  const counts = { eventTime: found + (await countRest(plan, "event_time", runner)), bitemporal: found };
  if (!projection.arrivalStated && found * 2 < counts.eventTime) {
    throw looksLikeLoadTime(projection, counts, await exampleOf(plan, runner));
  }
  return counts;
}

/** Entity rows whose winner by event time had not arrived, and how many of them find an older one that had. */
async function countLate(plan: ViewPlan, runner: StatementRunner): Promise<{ rows: number; found: number }> {
  await runner.run(lateSql(plan));
  const rows = await runner.count("rest");
  if (rows === 0) return { rows, found: 0 };
  await runner.run(arrivedSql(plan, "located_rest", "rest"));
  const found = await runner.count("located_rest WHERE alive");
  await runner.run(undecidedSql(plan));
  return { rows, found: found + (await countRest(plan, "bitemporal", runner)) };
}

/** How many rows of the table `rest` find a row by a rule; leaves the table `located_rest`. */
async function countRest(plan: ViewPlan, rule: AsOf, runner: StatementRunner): Promise<number> {
  if ((await runner.count("rest")) === 0) return 0;
  await runner.run(locateSql(plan, rule, "located_rest", "rest"));
  return runner.count("located_rest WHERE alive");
}

/** An entity row that shows what is odd about created times; times are ISO 8601. */
export interface LoadTimeExample {
  readonly row: number;
  readonly keys: string;
  readonly at: string;
  readonly event: string;
  readonly created: string;
}

/** The first entity row that finds something by event time only, and the earliest that could be known of it. */
async function exampleOf(plan: ViewPlan, runner: StatementRunner): Promise<LoadTimeExample> {
  const keys = plan.projection.keys.map((_, i) => `CAST(l.k${i} AS VARCHAR) AS k${i}`);
  const row = await runner.row(
    `SELECT ${[...keys, "l.row_no", `${timeText("l.moment")} AS at`, `${timeText("l.event")} AS event`].join(", ")}, ${timeText("min(f.created)")} AS created
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

/** The error of a view whose created times cannot be arrival times. */
export function looksLikeLoadTime(
  { view }: Pick<JoinProjection, "view">,
  counts: { eventTime: number; bitemporal: number },
  example: LoadTimeExample,
): LarderError {
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
