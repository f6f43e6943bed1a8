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
