import { LarderError } from "./errors.ts";
import { type Fault, unfit } from "./fault.ts";

/**
 * Microseconds since the epoch of an ISO 8601 text: `2026-01-01`, `2026-01-01T00:00`, `2026-01-01 00:00:00.123456+02:00`. Without an offset
 * it is UTC. Exact: digits beyond microseconds must be zeros. Online times reach from 1684 to 2255 (|t| < 2^53).
 * @throws INVALID_REQUEST naming `field`
 */
export function parseTime(text: string, field = "time"): number {
  const time = readTimeText(text);
  if (typeof time === "number") return time;
  throw new LarderError("INVALID_REQUEST", {
    what: `${field} ${time.what}`,
    remedy: time.remedy,
    facts: { field },
  });
}

/** ISO 8601 text in UTC with microseconds, `2026-01-01T00:00:00.000000Z`: what {@link parseTime} reads back exactly. */
export function formatTime(micros: number): string {
  if (!Number.isSafeInteger(micros)) {
    throw new LarderError("INTERNAL", {
      what: `${micros} is not a time in whole microseconds between -2^53 and 2^53`,
      remedy: "Report this with the call that led to it",
    });
  }
  const millis = Math.floor(micros / 1000);
  const rest = micros - millis * 1000;
  return `${new Date(millis).toISOString().slice(0, 23)}${String(rest).padStart(3, "0")}Z`;
}

const ISO =
  /^([+-]\d{6}|\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/;

/** {@link parseTime} for callers that collect problems. */
export function readTimeText(text: string): number | Fault {
  return readCommonForm(text) ?? readAnyForm(text);
}

/** `2026-01-31T12:00:00`, with or without a fraction of up to six digits and Z, by character code: rows come in this form. */
function readCommonForm(text: string): number | undefined {
  const { length } = text;
  const end = text.charCodeAt(length - 1) === 90 ? length - 1 : length;
  if (end < 19 || end > 26 || end === 20 || !hasCommonMarks(text)) return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  // NaN, which stands for anything but digits, fails each of these.
  if (!(year >= 1700 && year < 2200 && hour < 24 && minute < 60 && second < 60)) return undefined;
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return undefined;
  let fraction = 0;
  if (end > 19) {
    if (text.charCodeAt(19) !== 46) return undefined;
    fraction = digits(text, 20, end) * TO_MICROS[end - 20]!;
    if (Number.isNaN(fraction)) return undefined;
  }
  const seconds = daysSinceEpoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
  return seconds * 1_000_000 + fraction;
}

/** Microseconds of the last digit of a fraction, by its number of digits. */
const TO_MICROS = [0, 100_000, 10_000, 1000, 100, 10, 1];

function hasCommonMarks(text: string): boolean {
  const t = text.charCodeAt(10);
  return (
    text.charCodeAt(4) === 45 &&
    text.charCodeAt(7) === 45 &&
    (t === 84 || t === 32) &&
    text.charCodeAt(13) === 58 &&
    text.charCodeAt(16) === 58
  );
}

/** The number that digits make, or NaN. */
function digits(text: string, from: number, to: number): number {
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/** Days from 1970-01-01 in the Gregorian calendar, with years that begin in March (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function readAnyForm(text: string): number | Fault {
  const parts = text.length <= 64 ? ISO.exec(text) : null;
  if (parts === null) return /^[+-]?\d{5,}-\d/.test(text) ? outOfRange(text) : notATime(text);
  const [, year = "", month = "", day = "", hour = "0", minute = "0", second = "0", fraction = "", offset] = parts;
  const y = Number(year);
  if (y < 1600 || y > 2400) return outOfRange(text);
  const m = Number(month);
  const d = Number(day);
  const offsetMinutes = readOffset(offset);
  const valid = m >= 1 && m <= 12 && d >= 1 && d <= daysInMonth(y, m) && Number(hour) < 24 && Number(minute) < 60;
  if (!valid || Number(second) >= 60 || offsetMinutes === undefined) {
    return unfit(text, "which no calendar or clock shows", "Correct the date, time or offset");
  }
  if (fraction.length > 6 && /[1-9]/.test(fraction.slice(6))) {
    return unfit(
      text,
      "finer than a microsecond",
      "Round it to microseconds where the row is made: Larder never truncates",
    );
  }
  const millis = Date.UTC(y, m - 1, d, Number(hour), Number(minute) - offsetMinutes, Number(second));
  const micros = millis * 1000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
  return Number.isSafeInteger(micros) ? micros : outOfRange(text);
}

/** The fault of a time that online stores cannot hold. */
export function outOfRange(value: unknown): Fault {
  return unfit(
    value,
    "beyond the times an online row can have (1684 to 2255, whole microseconds below 2^53)",
    "Correct the time or its unit",
  );
}

function notATime(text: string): Fault {
  return unfit(text, "not an ISO 8601 time", 'Write it like "2026-01-31T12:00:00.000000Z"');
}

function readOffset(offset: string | undefined): number | undefined {
  if (offset === undefined || offset === "Z" || offset === "z") return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(":", "") || "0");
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
