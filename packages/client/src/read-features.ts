import type { GetOnlineFeaturesAnswer, Status } from "@larder/contract";
import type { Int64Mode, OnlineFeatures } from "@larder/contract/typed";
import type { ValueType } from "@larder/schema";
import { readValue } from "./read-value.ts";

/** What Feast's API says where there is no row. */
const NO_ROW = "1970-01-01T00:00:00Z";

/**
 * The answer of `/get-online-features` as the embedded API gives it: join keys as the caller wrote them, values in the caller's representation.
 * @throws UNSAFE_INTEGER
 */
export function readFeatures<Values extends object, Keys extends object>(
  { results, metadata }: GetOnlineFeaturesAnswer,
  rows: readonly object[],
  types: ReadonlyMap<string, ValueType>,
  int64: Int64Mode,
): OnlineFeatures<Values, Keys> {
  const columns = new Map<string, readonly unknown[]>();
  const statuses: Record<string, readonly Status[]> = {};
  const eventTimestamps: Record<string, readonly (string | null)[]> = {};
  // Join keys come first; a feature of the same name is refused by the server.
  let joinKeys = true;
  metadata.feature_names.forEach((name, at) => {
    const result = results[at];
    if (result === undefined) return;
    joinKeys &&= rows.every((row) => Object.hasOwn(row, name));
    if (joinKeys) {
      columns.set(
        name,
        rows.map((row) => Reflect.get(row, name)),
      );
      return;
    }
    const type = types.get(name);
    columns.set(
      name,
      result.values.map((value, row) => readValue(value, type, int64, `"${name}" of row ${row}`)),
    );
    statuses[name] = result.statuses;
    eventTimestamps[name] = result.event_timestamps.map((time, row) =>
      time === NO_ROW && result.statuses[row] === "NOT_FOUND" ? null : microsText(time),
    );
  });
  type Answer = OnlineFeatures<Values, Keys>;
  // Names that only the server knew become names in types here: `Values` and `Keys` are what the caller says of the request.
  return {
    toDict: () =>
      Object.fromEntries([...columns].map(([name, values]) => [name, [...values]])) as ReturnType<Answer["toDict"]>,
    toRows: () =>
      rows.map((_, row) => Object.fromEntries([...columns].map(([name, values]) => [name, values[row]]))) as ReturnType<
        Answer["toRows"]
      >,
    statuses: statuses as Answer["statuses"],
    eventTimestamps: eventTimestamps as Answer["eventTimestamps"],
    degraded: metadata.degraded,
  };
}

/** The wire has as many digits of a second as a time needs; here it is always six. */
function microsText(time: string): string {
  const [seconds, fraction = ""] = time.slice(0, -1).split(".") as [string, string?];
  return `${seconds}.${fraction.padEnd(6, "0")}Z`;
}
