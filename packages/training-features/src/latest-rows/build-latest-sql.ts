import {
  featureColumn,
  keyColumns,
  rangePredicates,
  scanSql,
  type TimeRange,
  tenantPredicates,
} from "../offline/source-scan.ts";
import type { SourceGroup, SourceTable } from "../offline/source-table.ts";
import { readParquet } from "../offline/sql-text.ts";
import { winnerOrder } from "../point-in-time/winner-order.ts";

/*
 * The latest row per entity key of a window, in two steps that never sort anything wide: `newest` has each key's latest event time, `latest` the row
 * of that time which wins by created time, tombstone and values, the same order as a point-in-time join's.
 */

/** Table `newest`: keys and their latest event time. */
export function newestSql(table: SourceTable, range: TimeRange): string {
  const keys = keyColumns(table.view.joinKeys.length).join(", ");
  return `CREATE OR REPLACE TEMP TABLE newest AS
SELECT ${keys}, max(event) AS event FROM (
${scanSql(table, { range })}
) GROUP BY ${keys}`;
}

/** Table `latest`: one row per key of `newest`, in the order of the keys; only keys after `after` (SQL of a condition on the keys) if there is one. */
export function latestSql(table: SourceTable, range: TimeRange, after: string | undefined): string {
  const { features } = table.view;
  const keys = keyColumns(table.view.joinKeys.length);
  const columns = [...keys, "event", "created", "tombstone", ...features.map(featureColumn)].map((name) => `f.${name}`);
  const same = [...keys, "event"].map((name) => `f.${name} = n.${name}`).join(" AND ");
  return `CREATE OR REPLACE TEMP TABLE latest AS
SELECT ${columns.join(", ")} FROM (
${scanSql(table, { created: true, tombstone: true, features, range })}
) AS f SEMI JOIN (SELECT * FROM newest${after === undefined ? "" : ` WHERE ${after}`}) AS n ON ${same}
QUALIFY row_number() OVER (PARTITION BY ${keys.map((key) => `f.${key}`).join(", ")} ORDER BY ${winnerOrder(features)}) = 1
ORDER BY ${keys.map((key) => `f.${key}`).join(", ")}`;
}

/** Rows of one group that no window can hold for want of an event time, and those of the window whose keys are not whole. */
export function unusableSql(table: SourceTable, group: SourceGroup, range: TimeRange): string {
  const { value } = group.event.reading;
  const inWindow = rangePredicates(group, range).join(" AND ");
  const noTime = `${value} IS NULL`;
  const noKey = group.keys.map(({ reading }) => `${reading.value} IS NULL`).join(" OR ") || "false";
  const where = [`(${noTime} OR ((${noKey}) AND ${inWindow}))`, ...tenantPredicates(table, group)].join(" AND ");
  return `SELECT filename AS file, file_row_number AS row, ${noTime} AS no_time FROM ${readParquet(group.files)} WHERE ${where}`;
}
