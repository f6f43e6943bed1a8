import { formatDuration } from "@larder/schema";
import { scanSql } from "../offline/source-scan.ts";
import { bigintLiteral } from "../offline/sql-text.ts";
import { foundTable } from "../point-in-time/build-sql.ts";
import type { ViewResult } from "../point-in-time/run-join.ts";
import type { FoundFact } from "./finding.ts";
import { exampleAt, type LintContext, numberOf, percent, timeText } from "./lint-context.ts";

/** Nulls of a feature, or rows that find nothing, from which share on a column is of little use. */
const MANY_NULLS = 0.5;
const MANY_OLD = 0.2;
/** Of fewer entity rows shares say nothing. */
const FEW_ROWS = 10;

/** Winners that had not been created by the label's time. Only the event-time rule lets them pass, and only where created times mean arrival. */
export async function checkCreated(context: LintContext, view: ViewResult, index: number): Promise<FoundFact[]> {
  const { projection } = view;
  if (projection.rule !== "event_time" || !projection.hasArrival) return [];
  const late = `FROM ${foundTable(index)} WHERE alive AND created > moment`;
  const row = await context.runner.row(`SELECT count(*) AS n, min(row_no) AS first ${late}`);
  const rows = numberOf(row, "n");
  if (rows === 0) return [];
  const [winner] = await context.runner.rows(`SELECT event, created ${late} AND row_no = ${Number(row["first"])}`);
  const times = { event_time: timeText(winner?.["event"]), created_time: timeText(winner?.["created"]) };
  return [
    {
      code: "FEATURE_CREATED_AFTER_LABEL",
      severity: "error",
      view: projection.name,
      feature: null,
      what: `${rows} of ${context.entities.count} entity rows take values of feature view "${projection.name}" that were created after the row's time`,
      rows,
      example: await exampleAt(context, row["first"], times),
    },
  ];
}

/** Winners whose event time is exactly the label's. */
export async function checkSameTime(
  context: LintContext,
  { projection }: ViewResult,
  index: number,
): Promise<FoundFact[]> {
  const row = await context.runner.row(
    `SELECT count(*) AS found, count(*) FILTER (event = moment) AS n, min(row_no) FILTER (event = moment) AS first
     FROM ${foundTable(index)} WHERE alive AND NOT tombstone`,
  );
  const [rows, found] = [numberOf(row, "n"), numberOf(row, "found")];
  if (rows === 0) return [];
  return [
    {
      code: "FEATURE_AT_LABEL_TIME",
      severity: rows >= 0.01 * found ? "warning" : "info",
      view: projection.name,
      feature: null,
      what: `${rows} of the ${found} entity rows that find a row of feature view "${projection.name}" find one of exactly their own time`,
      rows,
      example: await exampleAt(context, row["first"]),
    },
  ];
}

/** Views that find little, and features that are null although a row was found. */
export async function checkNulls(context: LintContext, view: ViewResult, index: number): Promise<FoundFact[]> {
  const { projection } = view;
  const { count } = context.entities;
  if (count < FEW_ROWS) return [];
  const facts = await context.runner.row(
    `SELECT count(*) FILTER (alive) AS found, count(*) FILTER (NOT alive) AS old, min(row_no) FILTER (NOT alive) AS first FROM ${foundTable(index)}`,
  );
  const [found, old] = [numberOf(facts, "found"), numberOf(facts, "old")];
  const base = { view: projection.name, feature: null, severity: "warning" } as const;
  const findings: FoundFact[] = [];
  if (old >= MANY_OLD * count) {
    const [winner] = await context.runner.rows(
      `SELECT event FROM ${foundTable(index)} WHERE row_no = ${Number(facts["first"])}`,
    );
    findings.push({
      ...base,
      code: "MANY_OUT_OF_TTL",
      what: `${old} of ${count} entity rows (${percent(old, count)}) find only a row of feature view "${projection.name}" that is older than its TTL`,
      rows: old,
      example: await exampleAt(context, facts["first"], { event_time: timeText(winner?.["event"]) }),
    });
  }
  const none = count - found - old;
  if (none >= MANY_NULLS * count) {
    const first = await context.runner.row(
      `SELECT min(e.rowid) AS first FROM entity_rows AS e ANTI JOIN ${foundTable(index)} AS f ON f.row_no = e.rowid`,
    );
    findings.push({
      ...base,
      code: "MANY_NULLS",
      what: `${none} of ${count} entity rows (${percent(none, count)}) find no row of feature view "${projection.name}"`,
      rows: none,
      example: await exampleAt(context, first["first"]),
    });
  }
  for (const [i, { output }] of projection.features.entries()) {
    const nulls = view.nulls[i]! - (count - found);
    if (found < FEW_ROWS || nulls < MANY_NULLS * found) continue;
    findings.push({
      ...base,
      code: "MANY_NULLS",
      feature: output,
      what: `Feature "${output}" is null in ${nulls} of the ${found} entity rows (${percent(nulls, found)}) that find a row`,
      rows: nulls,
      example: null,
    });
  }
  return findings;
}

/** Views without TTL whose rows come much oftener than the age of what labels find: the entity's rows had ended. */
export async function checkTtl(context: LintContext, view: ViewResult, index: number): Promise<FoundFact[]> {
  const { projection, table } = view;
  if (projection.ttl !== undefined || context.entities.maxTime === undefined) return [];
  const keys = keysOf(view).join(", ");
  const same = keysOf(view).map((key) => `s.${key} = w.${key}`);
  const scan = scanSql(table, { range: { to: context.entities.maxTime } });
  const spacing = await context.sourceRunner(view).row(
    `SELECT CAST(median(spacing) AS BIGINT) AS spacing FROM (
       SELECT (max(event) - min(event)) / (count(*) - 1) AS spacing FROM (
         SELECT DISTINCT ${keys}, event FROM (${scan}) AS s SEMI JOIN ${foundTable(index)} AS w ON ${same.join(" AND ")})
       GROUP BY ${keys} HAVING count(*) > 2)`,
  );
  const micros = numberOf(spacing, "spacing");
  if (micros <= 0) return [];
  const old = `moment - event > ${bigintLiteral(BigInt(Math.round(20 * micros)))}`;
  const row = await context.runner.row(
    `SELECT count(*) AS found, count(*) FILTER (${old}) AS n, min(row_no) FILTER (${old}) AS first FROM ${foundTable(index)} WHERE alive`,
  );
  const [rows, found] = [numberOf(row, "n"), numberOf(row, "found")];
  if (rows < Math.max(3, 0.05 * found)) return [];
  const [winner] = await context.runner.rows(
    `SELECT event FROM ${foundTable(index)} WHERE row_no = ${Number(row["first"])}`,
  );
  return [
    {
      code: "TTL_MISSING",
      severity: "warning",
      view: projection.name,
      feature: null,
      what: `Feature view "${projection.name}" has no TTL and a row per entity about every ${about(micros)}, and ${rows} of ${found} entity rows take one more than 20 times as old`,
      rows,
      example: await exampleAt(context, row["first"], { event_time: timeText(winner?.["event"]) }),
    },
  ];
}

/** Key columns of the view's tables. */
export function keysOf({ projection }: ViewResult): string[] {
  return Array.from({ length: Math.max(projection.keys.length, 1) }, (_, i) => `k${i}`);
}

/** A duration in its largest fitting unit. */
function about(micros: number): string {
  for (const unit of [86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000]) {
    if (micros >= unit) return formatDuration(Math.round(micros / unit) * unit);
  }
  return formatDuration(Math.round(micros));
}
