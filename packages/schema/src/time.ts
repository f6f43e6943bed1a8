import { LarderError } from "./errors.ts";
import { Fault, show } from "./fault.ts";

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
    return new Fault(`is ${show(text)}, which no calendar or clock shows`, "Correct the date, time or offset");
  }
  if (fraction.length > 6 && /[1-9]/.test(fraction.slice(6))) {
    return new Fault(
      `is ${show(text)}, finer than a microsecond`,
      "Round it to microseconds where the row is made: Larder never truncates",
    );
  }
  const millis = Date.UTC(y, m - 1, d, Number(hour), Number(minute) - offsetMinutes, Number(second));
  const micros = millis * 1000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
  return Number.isSafeInteger(micros) ? micros : outOfRange(text);
}

/** The fault of a time that online stores cannot hold. */
export function outOfRange(value: unknown): Fault {
  return new Fault(
    `is ${show(value)}, beyond the times an online row can have (1684 to 2255, whole microseconds below 2^53)`,
    "Correct the time or its unit",
  );
}

function notATime(text: string): Fault {
  return new Fault(`is ${show(text)}, not an ISO 8601 time`, 'Write it like "2026-01-31T12:00:00.000000Z"');
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
