import { decodeRows, type FeatureView } from "@larder/schema";
import { frameRecords } from "../write/frame-records.ts";
import type { ViewRows } from "../write/write-rows.ts";
import { keyError, pythonError, pythonList } from "./feast-refusal.ts";
import { coerceTime, coercionOf } from "./python-values.ts";

/** A frame as it came: Feast checks no more than that it is a map. */
export type Frame = Readonly<Record<string, unknown>>;

/**
 * The rows of a frame for each view, with the values that Feast makes of them; without views whose features are null in every row, which Feast
 * leaves out. Everything is judged before anything is written.
 * @throws FeastRefusal where Feast refuses; INVALID_ROWS, PAYLOAD_TOO_LARGE where only Larder does
 */
export function strictRows(views: readonly FeatureView[], frame: Frame, maxRows: number): ViewRows[] {
  const columns = columnsOf(frame);
  const names = Object.keys(columns);
  const rows = columns[names[0] ?? ""]?.length ?? 0;
  if (rows === 0) return [];
  const records = frameRecords(columns, "df", maxRows);
  return views.flatMap((view) => {
    refuseMissing(view, names);
    if (view.features.length > 0 && view.features.every(({ name }) => isNull(columns[name]))) return [];
    refuseMissingTimes(view, names);
    const coerce = coercionsOf(view, names);
    const coerced = records.map((record, row) =>
      Object.fromEntries(Object.entries(record).map(([name, value]) => [name, coerce(name, value, row)])),
    );
    return [{ view, rows: decodeRows(view, coerced) }];
  });
}

function columnsOf(frame: Frame): Record<string, unknown[]> {
  const columns: Record<string, unknown[]> = {};
  for (const [name, column] of Object.entries(frame)) {
    if (!Array.isArray(column)) throw pythonError("If using all scalar values, you must pass an index", "INVALID_ROWS");
    columns[name] = column;
  }
  const lengths = new Set(Object.values(columns).map(({ length }) => length));
  if (lengths.size > 1) throw pythonError("All arrays must be of the same length", "INVALID_ROWS");
  return columns;
}

function refuseMissing(view: FeatureView, names: readonly string[]): void {
  const lacking = view.rowDecoder.missingColumns(names);
  const features = view.features.map(({ name }) => name).filter((name) => lacking.includes(name));
  if (features.length > 0) throw keyError(`${pythonList(features)} not in index`, "INVALID_ROWS");
}

/** What Feast looks at only when there is something to write. */
function refuseMissingTimes(view: FeatureView, names: readonly string[]): void {
  const lacking = view.rowDecoder.missingColumns(names);
  const time = view.source?.timestampField ?? "event_timestamp";
  if (lacking.includes(time)) throw keyError(`Field "${time}" does not exist in schema`, "INVALID_ROWS");
  const created = view.source?.createdTimestampColumn;
  if (created !== undefined && !names.includes(created) && !names.includes("created")) {
    throw keyError(`Field "${created}" does not exist in schema`, "INVALID_ROWS");
  }
  const key = view.joinKeys.find(({ name }) => lacking.includes(name));
  if (key !== undefined) throw pythonError(`Column ${key.name} not found in table`, "INVALID_ROWS");
}

function coercionsOf(view: FeatureView, names: readonly string[]) {
  const typed = new Map([...view.joinKeys, ...view.features].map(({ name, type }) => [name, coercionOf(type)]));
  const { timestampField, createdTimestampColumn } = view.source ?? {};
  const times = new Set([timestampField, createdTimestampColumn, "event_timestamp", "created"]);
  const coercions = new Map(
    names.map((name) => {
      const coerce = typed.get(view.source?.fieldMapping.get(name) ?? name);
      if (coerce !== undefined) return [name, (value: unknown) => coerce(value)] as const;
      return [name, times.has(name) ? coerceTime : (value: unknown) => value] as const;
    }),
  );
  return (name: string, value: unknown, row: number): unknown =>
    value === null ? null : coercions.get(name)?.(value, row);
}

function isNull(column: readonly unknown[] | undefined): boolean {
  return column?.every((value) => value === null) ?? false;
}
