import { LarderError } from "@larder/schema/portable";

/** Columns that hold times: a Date or bigint of theirs is a moment, not a whole number of seconds. */
const TIME_COLUMNS: ReadonlySet<string> = new Set(["event_timestamp", "created"]);

/** Columns of a request, each with one value per row. */
export type WireColumns = Record<string, unknown[]>;

/**
 * Rows as the columns of a JSON body. A column that some rows lack is a mistake that a null would hide.
 * @throws INVALID_REQUEST naming row and field
 */
export function writeColumns(rows: readonly object[]): WireColumns {
  const [first] = rows;
  if (first === undefined) return {};
  const names = Object.keys(first);
  const columns: WireColumns = Object.fromEntries(names.map((name) => [name, []]));
  rows.forEach((row, index) => {
    for (const name of names) {
      if (!Object.hasOwn(row, name)) throw uneven(index, name, "lacks");
      columns[name]?.push(writeValue(Reflect.get(row, name), name, index));
    }
    const more = Object.keys(row).find((name) => !Object.hasOwn(columns, name));
    if (more !== undefined) throw uneven(index, more, "has");
  });
  return columns;
}

/** One value as JSON holds it. @throws INVALID_REQUEST for what JSON cannot hold */
export function writeValue(value: unknown, field: string, row: number): unknown {
  if (Array.isArray(value)) return value.map((item) => writeValue(item, field, row));
  if (value instanceof Uint8Array) return btoa(Array.from(value, (byte) => String.fromCharCode(byte)).join(""));
  if (value instanceof Date)
    return TIME_COLUMNS.has(field) ? isoText(value, field, row) : wholeSeconds(value, field, row);
  if (typeof value === "bigint") return TIME_COLUMNS.has(field) ? microsText(value, field, row) : integer(value);
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw refused(
      field,
      row,
      `is ${value}, which JSON has no form for`,
      "Write it with the embedded API or from a file, or give null",
    );
  }
  if (value === undefined) throw refused(field, row, "is undefined", "Give a value or null");
  if (typeof value === "object" && value !== null) {
    // `overrides` of a model's row.
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, writeValue(each, `${field}.${name}`, row)]),
    );
  }
  return value;
}

/** Digits as text where a number would lose some: an int64 may come so. */
function integer(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function isoText(value: Date, field: string, row: number): string {
  if (Number.isNaN(value.getTime())) throw refused(field, row, "is no date", "Give a valid Date");
  return value.toISOString();
}

function wholeSeconds(value: Date, field: string, row: number): number {
  const seconds = value.getTime() / 1000;
  if (Number.isInteger(seconds)) return seconds;
  throw refused(field, row, "is no whole second", "A unix_timestamp is whole seconds: cut the Date to them");
}

function microsText(micros: bigint, field: string, row: number): string {
  const second = micros / 1_000_000n - (micros % 1_000_000n < 0n ? 1n : 0n);
  const fraction = String(micros - second * 1_000_000n).padStart(6, "0");
  const whole = new Date(Number(second) * 1000);
  return isoText(whole, field, row).replace(/\.\d{3}Z$/, `.${fraction}Z`);
}

function uneven(row: number, field: string, verb: "lacks" | "has"): LarderError {
  return refused(
    field,
    row,
    `stands in some rows and not in others: row ${row} ${verb} it`,
    "Give every row the same members; null is a value",
  );
}

function refused(field: string, row: number, what: string, remedy: string): LarderError {
  return new LarderError("INVALID_REQUEST", {
    what: `"${field}" of row ${row} ${what}`,
    remedy,
    facts: { field, row },
  });
}
