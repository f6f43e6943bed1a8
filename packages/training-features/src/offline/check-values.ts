import { type Feature, LarderError } from "@larder/schema";
import type { EngineCall, EngineRow, OfflineEngine } from "./offline-engine.ts";
import { rangePredicates, type TimeRange, tenantPredicates } from "./source-scan.ts";
import type { SourceColumn, SourceGroup, SourceTable } from "./source-table.ts";
import { quoteName, readParquet } from "./sql-text.ts";

/**
 * Looks for values that are not of their declared type: keys, times and the given features, in the rows of `range`, and only in columns whose own
 * type leaves it open (a DOUBLE read as int64). Costs nothing where types fit.
 *
 * @throws SOURCE_MISMATCH naming file, row and column of the first one
 */
export async function checkValues(
  engine: OfflineEngine,
  table: SourceTable,
  features: readonly Feature[],
  range: TimeRange,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const group of table.groups) {
    const suspects = suspectsOf(group, features);
    if (suspects.length === 0) continue;
    const call: EngineCall = { subject: table.subject, signal };
    const bad = suspects.map(({ reading }) => reading.bad!);
    const where = [`(${bad.join(" OR ")})`, ...tenantPredicates(table, group), ...rangePredicates(group, range)];
    const which = `CASE ${bad.map((predicate, i) => `WHEN ${predicate} THEN ${i}`).join(" ")} END`;
    const value = `CASE ${bad.map((predicate, i) => `WHEN ${predicate} THEN CAST(${quoteName(suspects[i]!.column)} AS VARCHAR)`).join(" ")} END`;
    const [found] = await engine.rows(
      `SELECT filename AS file, file_row_number AS row, ${which} AS which, ${value} AS value
       FROM ${readParquet(group.files)} WHERE ${where.join(" AND ")} ORDER BY file, row LIMIT 1`,
      call,
    );
    if (found !== undefined) throw badValue(table, suspects[Number(found["which"])]!, found);
  }
}

function suspectsOf(group: SourceGroup, features: readonly Feature[]): SourceColumn[] {
  const created = group.created === undefined ? [] : [group.created];
  const columns = [...group.keys, group.event, ...created, ...features.map(({ index }) => group.features[index]!)];
  return columns.filter(({ reading }) => reading.bad !== undefined);
}

function badValue(table: SourceTable, { column, reading, found }: SourceColumn, row: EngineRow): LarderError {
  const value = String(row["value"]);
  const file = table.nameOf(String(row["file"]));
  const shown = value.length > 60 ? `${value.slice(0, 60)}…` : value;
  return new LarderError("SOURCE_MISMATCH", {
    what: `The source of feature view "${table.view.name}" does not fit it: ${file}: row ${Number(row["row"])}: column "${column}": ${shown} ${reading.fault}`,
    remedy: "Correct the value, or the type in feature_store.yaml",
    facts: { view: table.view.name, file, row: Number(row["row"]), column, found },
  });
}
