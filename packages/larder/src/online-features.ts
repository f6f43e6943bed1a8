import type { Int64Mode, OnlineFeatures } from "@larder/contract/typed";
import { type FeatureValue, formatTime, LarderError, type ScalarValue } from "@larder/schema";
import { type FeatureBatch, STATUS_NAMES, type StatusName } from "@larder/store-core";

/** One entity row of a request: join key -> value, as the caller wrote it. */
export type EntityRow = Readonly<Record<string, unknown>>;

/**
 * Turns a read into the caller's representation, all of it at once, so that a value that does not fit is an error of the call.
 * @throws UNSAFE_INTEGER
 */
export function createOnlineFeatures<Values extends object, Keys extends object>(
  batch: FeatureBatch,
  rows: readonly EntityRow[],
  int64: Int64Mode,
): OnlineFeatures<Values, Keys> {
  const { columns, joinKeys } = batch.plan;
  const values: Record<string, unknown[]> = {};
  const statuses: Record<string, StatusName[]> = {};
  const eventTimestamps: Record<string, (string | null)[]> = {};
  for (const { name } of joinKeys) values[name] = rows.map((row) => row[name]);
  columns.forEach(({ name, view }, column) => {
    const out = new Array<unknown>(batch.rowCount);
    const status = new Array<StatusName>(batch.rowCount);
    const times = new Array<string | null>(batch.rowCount);
    for (let row = 0; row < batch.rowCount; row++) {
      out[row] = embedded(batch.value(row, column), int64, name, row);
      status[row] = STATUS_NAMES[batch.status(row, column)];
      const time = batch.eventTime(row, view);
      times[row] = time === undefined ? null : formatTime(time);
    }
    values[name] = out;
    statuses[name] = status;
    eventTimestamps[name] = times;
  });
  const names = Object.keys(values);
  type Answer = OnlineFeatures<Values, Keys>;
  // Here names that only the plan knew become names in types: `Values` and `Keys` are what the caller says of this plan.
  return {
    toDict: () =>
      Object.fromEntries(names.map((name) => [name, [...(values[name] ?? [])]])) as ReturnType<Answer["toDict"]>,
    toRows: () =>
      rows.map((_, row) => Object.fromEntries(names.map((name) => [name, values[name]?.[row]]))) as ReturnType<
        Answer["toRows"]
      >,
    statuses: statuses as Answer["statuses"],
    eventTimestamps: eventTimestamps as Answer["eventTimestamps"],
    degraded: batch.degraded,
  };
}

function embedded(value: FeatureValue, int64: Int64Mode, name: string, row: number): unknown {
  if (int64 === "bigint") return value;
  if (typeof value === "bigint") return safeNumber(value, name, row);
  if (Array.isArray(value)) {
    return value.map((item: ScalarValue) => (typeof item === "bigint" ? safeNumber(item, name, row) : item));
  }
  return value;
}

function safeNumber(value: bigint, name: string, row: number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new LarderError("UNSAFE_INTEGER", {
    what: `Feature "${name}" of entity row ${row} is ${value}, which a number cannot hold exactly`,
    remedy: 'Open the store with { int64: "bigint" }',
    facts: { field: name, row },
  });
}
