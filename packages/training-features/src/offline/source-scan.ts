import type { Feature } from "@larder/schema";
import { timeLiteral } from "./column-type.ts";
import type { SourceGroup, SourceTable } from "./source-table.ts";
import { bigintLiteral, quoteText, readParquet } from "./sql-text.ts";

/** Event times of interest, inclusive, in microseconds. */
export interface TimeRange {
  readonly from?: bigint | undefined;
  readonly to?: bigint | undefined;
  /** Rows from before `from` that are of interest all the same. */
  readonly late?: LateRows | undefined;
}

/** Rows that came late: an event time before the range, a created time after what was read before. Microseconds. */
export interface LateRows {
  /** The earliest event time of interest, inclusive. */
  readonly from: bigint;
  /** Rows with a created time after this one; undefined: all that have one. */
  readonly createdAfter: bigint | undefined;
}

/** What a scan selects beside the keys `k0`, `k1`, … and `event`, and which rows. */
export interface ScanRequest {
  /** Selects `created` (null where the view has no such column). */
  readonly created?: boolean;
  /** Selects `tombstone`. */
  readonly tombstone?: boolean;
  /** Selects each as `v` and its position in the view. */
  readonly features?: readonly Feature[];
  readonly range: TimeRange;
  /** Reads every n-th row of each file only, for an estimate. */
  readonly everyNth?: number;
  /** Writes a file's path into the statement; default: as it is. A manifest writes relative paths. */
  readonly pathOf?: ((file: string) => string) | undefined;
}

/**
 * SELECT of a view's rows that can take part in anything: tenant, keys and event time present, event time in range. A view without join keys has
 * one key column that is always 0, so that nothing else needs to know.
 */
export function scanSql(table: SourceTable, request: ScanRequest): string {
  return table.groups.map((group) => groupSql(table, group, request)).join("\nUNION ALL\n");
}

/** Names of the key columns of a scan: `k0`, `k1`, … */
export function keyColumns(count: number): string[] {
  return Array.from({ length: Math.max(count, 1) }, (_, i) => `k${i}`);
}

/** Name of a feature's column of a scan. */
export function featureColumn(feature: Feature): string {
  return `v${feature.index}`;
}

/** The rows of a group that belong to the tenant and lie in the range, whether or not their keys and times are present. */
export function tenantPredicates(table: SourceTable, group: SourceGroup): string[] {
  return group.tenant === undefined ? [] : [`${group.tenant} = ${quoteText(table.tenant)}`];
}

/** Which rows a range holds. Bounds on the event time are exact, and where possible also in the column's own type so that row groups are skipped by their statistics. */
export function rangePredicates(group: SourceGroup, range: TimeRange): string[] {
  const { column, reading, found } = { ...group.event, column: `"${group.event.column.replaceAll('"', '""')}"` };
  const bound = (operator: string, micros: bigint | undefined): string[] => {
    if (micros === undefined) return [];
    const literal = timeLiteral(micros, found);
    return [
      literal === undefined
        ? `${reading.value} ${operator} ${bigintLiteral(micros)}`
        : `${column} ${operator} ${literal}`,
    ];
  };
  const { from, to, late } = range;
  if (late === undefined || from === undefined || group.created === undefined) {
    return [...bound(">=", from), ...bound("<=", to)];
  }
  const created = group.created.reading.value;
  const after = late.createdAfter === undefined ? "IS NOT NULL" : `> ${bigintLiteral(late.createdAfter)}`;
  const wanted = `(${bound(">=", from).join("")} OR ${created} ${after})`;
  return [...bound(">=", late.from < from ? late.from : from), wanted, ...bound("<=", to)];
}

function groupSql(table: SourceTable, group: SourceGroup, request: ScanRequest): string {
  const keys = group.keys.length === 0 ? ["0 AS k0"] : group.keys.map(({ reading }, i) => `${reading.value} AS k${i}`);
  const select = [...keys, `${group.event.reading.value} AS event`];
  if (request.created === true) {
    select.push(`${group.created?.reading.value ?? "CAST(NULL AS BIGINT)"} AS created`);
  }
  if (request.tombstone === true) select.push(`${group.tombstone ?? "false"} AS tombstone`);
  for (const feature of request.features ?? []) {
    select.push(`${group.features[feature.index]!.reading.value} AS ${featureColumn(feature)}`);
  }
  const where = [
    `${group.event.reading.value} IS NOT NULL`,
    ...group.keys.map(({ reading }) => `${reading.value} IS NOT NULL`),
    ...tenantPredicates(table, group),
    ...rangePredicates(group, request.range),
    ...(request.everyNth === undefined ? [] : [`file_row_number % ${request.everyNth} = 0`]),
  ];
  const files = group.files.map((file) => request.pathOf?.(file) ?? file);
  return `SELECT ${select.join(", ")}\nFROM ${readParquet(files)}\nWHERE ${where.join(" AND ")}`;
}
