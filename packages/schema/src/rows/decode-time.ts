import type { TimeUnit } from "../definitions.ts";
import { Fault, show, unfit } from "../fault.ts";
import { MAX_ONLINE_MICROS } from "../row.ts";
import { outOfRange, readTimeText } from "../time.ts";
import type { ValueDecoder } from "./decode-value.ts";

/** Microseconds and decimal digits of a microsecond per unit. */
const UNITS: Readonly<Record<TimeUnit, { readonly micros: number; readonly digits: number }>> = {
  s: { micros: 1_000_000, digits: 6 },
  ms: { micros: 1_000, digits: 3 },
  us: { micros: 1, digits: 0 },
};

/** Decodes event and created times: ISO 8601 text, `Date`, bigint microseconds, and numbers where the view states their unit. */
export function timeDecoder(unit: TimeUnit | undefined): ValueDecoder<number> {
  return (value) => {
    if (typeof value === "string") return readTimeText(value);
    if (typeof value === "bigint") return inRange(Number(value), value);
    if (value instanceof Date) return ofDate(value);
    if (typeof value === "number") return unit === undefined ? bareNumber(value) : ofNumber(value, unit);
    return unfit(value, "not a time", "Send ISO 8601 text");
  };
}

function inRange(micros: number, value: unknown): number | Fault {
  return Math.abs(micros) <= MAX_ONLINE_MICROS ? micros : outOfRange(value);
}

function ofDate(value: Date): number | Fault {
  const millis = value.getTime();
  return Number.isNaN(millis) ? new Fault("is an invalid Date", "Send a valid time") : inRange(millis * 1000, value);
}

function bareNumber(value: number): Fault {
  const could = "which could be seconds, milliseconds or microseconds";
  return new Fault(
    `is the bare number ${show(value)}, ${could}`,
    "Send ISO 8601 text, or declare the view's time_unit",
    `is a bare number, ${could}`,
  );
}

function ofNumber(value: number, unit: TimeUnit): number | Fault {
  const { micros, digits } = UNITS[unit];
  if (Number.isSafeInteger(value)) return inRange(value * micros, value);
  if (!Number.isFinite(value) || Number.isInteger(value)) return outOfRange(value);
  // 0.1 + 0.2 must not decide a time: the number counts as the shortest decimal text that means it.
  const [whole = "", fraction = ""] = String(value).split(".");
  if (!/^\d+$/.test(fraction) || fraction.length > digits) {
    return unfit(value, "finer than a microsecond", "Round it to whole microseconds");
  }
  const exact = BigInt(whole + fraction.padEnd(digits, "0"));
  return inRange(Number(exact), value);
}
