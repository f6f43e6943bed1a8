import type { TimeInput } from "@larder/contract/typed";
import { LarderError, MAX_ONLINE_MICROS, parseTime } from "@larder/schema";

/** Microseconds since the epoch. @throws INVALID_REQUEST naming `field` */
export function microsOf(field: string, time: TimeInput): number {
  if (typeof time === "string") return parseTime(time, field);
  const micros = typeof time === "bigint" ? Number(time) : time instanceof Date ? time.getTime() * 1000 : Number.NaN;
  if (Number.isInteger(micros) && Math.abs(micros) <= MAX_ONLINE_MICROS) return micros;
  throw new LarderError("INVALID_REQUEST", {
    what: `${field} is no time between 1684 and 2255`,
    remedy: "Give ISO 8601 text, a valid Date, or bigint microseconds since the epoch",
    facts: { field },
  });
}

/** The same, but text states its zone: a moment in the past is not meant by halves. @throws INVALID_REQUEST naming `field` */
export function zonedMicrosOf(field: string, time: TimeInput): number {
  const micros = microsOf(field, time);
  if (typeof time !== "string" || ZONED.test(time)) return micros;
  throw new LarderError("INVALID_REQUEST", {
    what: `${field} "${time.slice(0, 100)}" has no time zone`,
    remedy: "End it with Z for UTC, or an offset, as in 2026-01-31T12:00:00Z",
    facts: { field },
  });
}

/** A time of day, and a zone at the end. */
const ZONED = /[Tt ]\d\d:.*(?:[Zz]|[+-]\d\d(?::?\d\d)?)$/;
