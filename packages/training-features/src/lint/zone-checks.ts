import { scanSql } from "../offline/source-scan.ts";
import { bigintLiteral } from "../offline/sql-text.ts";
import { foundTable } from "../point-in-time/build-sql.ts";
import type { ViewResult } from "../point-in-time/run-join.ts";
import type { FoundFact } from "./finding.ts";
import { exampleAt, type LintContext, numberOf, timeText } from "./lint-context.ts";
import { keysOf } from "./view-checks.ts";

const MINUTE = 60_000_000;
const HOUR = 3_600_000_000;
/** The widest offset of a zone, in hours. */
const WIDEST = 14;
/** Moments within the hour that times must fall on before whole hours between them mean anything: schedules have few. */
const PHASES = 20;
/** Entity rows that are compared with the view's rows. */
const SAMPLE = 10_000;

/**
 * Created times against event times. A row cannot arrive before it happened: created times some whole hours before the event times, but for a delay,
 * are a local time read as UTC. The same delay, to the minute, at several whole hours is a mixture of zones (or summer time).
 */
export async function checkArrivalZone(
  context: LintContext,
  { projection }: ViewResult,
  index: number,
): Promise<FoundFact[]> {
  if (!projection.hasArrival) return [];
  const rows = await context.runner.rows(
    `SELECT hours, count(*) AS n, min(row_no) AS first, count(*) FILTER (delta - hours * ${HOUR} <= ${MINUTE}) AS prompt,
       arg_min(event, row_no) AS event, arg_min(created, row_no) AS created,
       (SELECT count(DISTINCT event % ${HOUR}) FROM ${foundTable(index)} WHERE created IS NOT NULL) AS phases
     FROM (SELECT row_no, event, created, created - event AS delta, CAST(floor((created - event) / ${HOUR}) AS BIGINT) AS hours
       FROM ${foundTable(index)} WHERE created IS NOT NULL AND abs(created // 2 - event // 2) < ${100 * HOUR}) GROUP BY hours ORDER BY n DESC, hours`,
  );
  const total = rows.reduce((sum, row) => sum + numberOf(row, "n"), 0);
  const counts = (row: (typeof rows)[number]) => ({ hours: numberOf(row, "hours"), n: numberOf(row, "n") });
  const early = rows.filter((row) => numberOf(row, "hours") < 0);
  const earlyRows = early.reduce((sum, row) => sum + numberOf(row, "n"), 0);
  const [peak] = early;
  if (peak !== undefined && earlyRows >= Math.max(10, 0.2 * total) && counts(peak).hours >= -WIDEST) {
    if (counts(peak).n < 0.8 * earlyRows) return [];
    const what = `${counts(peak).n} of ${total} rows of feature view "${projection.name}" were created about ${-counts(peak).hours} h before their event time`;
    return [await found(context, projection.name, "warning", what, peak)];
  }
  const prompt = rows.reduce((sum, row) => sum + numberOf(row, "prompt"), 0);
  if (total < PHASES || numberOf(rows[0]!, "phases") < PHASES || prompt < 0.9 * total) return [];
  const peaks = rows.filter((row) => counts(row).n >= 0.1 * total && counts(row).hours <= WIDEST);
  const shifted = peaks.find((row) => counts(row).hours > 0);
  if (shifted === undefined) return [];
  const hours = peaks.map((row) => counts(row).hours).toSorted((a, b) => a - b);
  const what = `Rows of feature view "${projection.name}" were created within a minute of ${hours.join(", ")} h after their event time`;
  return [await found(context, projection.name, peaks.length > 1 ? "warning" : "info", what, shifted)];
}

/**
 * Entity times against event times of the same entity, of which one is often the other's copy: times that meet to the microsecond, but for a number of
 * whole hours, were written in two zones. Looked at only where times fall on many moments within the hour.
 */
export async function checkEntityZone(context: LintContext, view: ViewResult, index: number): Promise<FoundFact[]> {
  const { minTime, maxTime } = context.entities;
  if (minTime === undefined || maxTime === undefined) return [];
  const table = foundTable(index);
  const sample = `${table}_sample`;
  const keys = keysOf(view);
  const { projection } = view;
  const own = projection.keys.map(({ entityColumn }, i) => `${context.entities.keys.get(entityColumn)} AS k${i}`);
  const every = Math.ceil(context.entities.count / SAMPLE);
  await context.runner.run(
    `CREATE OR REPLACE TEMP TABLE ${sample} AS SELECT rowid AS row_no, ${own.length === 0 ? "0 AS k0" : own.join(", ")}, ${context.entities.time} AS moment
     FROM entity_rows WHERE rowid % ${every} = 0 AND ${context.entities.time} IS NOT NULL`,
  );
  try {
    const facts = await context.runner.row(
      `SELECT count(*) AS n, count(DISTINCT moment % ${HOUR}) AS phases FROM ${sample}`,
    );
    const looked = numberOf(facts, "n");
    if (numberOf(facts, "phases") < Math.max(PHASES, 0.1 * looked)) return [];
    const reach = BigInt(WIDEST * HOUR);
    const scan = scanSql(view.table, { range: { from: minTime - reach, to: maxTime + reach } });
    const same = keys.map((key) => `s.${key} = w.${key}`).join(" AND ");
    const rows = await context.sourceRunner(view).rows(
      `WITH met AS (
         SELECT w.row_no, s.event, CAST((w.moment - s.event) // ${HOUR} AS BIGINT) AS hours FROM ${sample} AS w JOIN (${scan}) AS s
         ON ${same} AND w.moment % ${HOUR} = s.event % ${HOUR} WHERE s.event BETWEEN w.moment - ${bigintLiteral(reach)} AND w.moment + ${bigintLiteral(reach)}
       ) SELECT hours, count(DISTINCT row_no) AS n, min(row_no) AS first, arg_min(event, row_no) AS event FROM met
       ANTI JOIN (SELECT row_no FROM met WHERE hours = 0) AS exact USING (row_no) GROUP BY hours ORDER BY n DESC, hours LIMIT 1`,
    );
    const [peak] = rows;
    const n = peak === undefined ? 0 : numberOf(peak, "n");
    if (peak === undefined || n < Math.max(PHASES, 0.3 * looked)) return [];
    const hours = numberOf(peak, "hours");
    const what =
      `The times of ${n} of ${looked} entity rows${every > 1 ? " looked at" : ""} are exactly ${Math.abs(hours)} h ${hours > 0 ? "after" : "before"} ` +
      `an event of feature view "${projection.name}" and the same entity`;
    return [await found(context, projection.name, "warning", what, peak)];
  } finally {
    await context.runner.run(`DROP TABLE IF EXISTS ${sample}`);
  }
}

async function found(
  context: LintContext,
  view: string,
  severity: FoundFact["severity"],
  what: string,
  row: Parameters<typeof numberOf>[0],
): Promise<FoundFact> {
  const times = {
    event_time: timeText(row["event"]),
    ...(row["created"] === undefined ? {} : { created_time: timeText(row["created"]) }),
  };
  const example = await exampleAt(context, row["first"], times);
  return { code: "TIME_ZONE_MIX_UP", severity, view, feature: null, what, rows: numberOf(row, "n"), example };
}
