import { LarderError, MAX_ONLINE_MICROS } from "@larder/schema";

/** Event times from `start` to `end`, inclusive at both ends, in integer microseconds since the epoch. */
export interface MaterializeWindow {
  readonly start: number;
  readonly end: number;
}

/** The window, checked. @throws INVALID_REQUEST when it is empty or not in online times */
export function checkWindow(window: MaterializeWindow): MaterializeWindow {
  checkTime("start", window.start);
  checkTime("end", window.end);
  if (window.start > window.end) {
    throw new LarderError("INVALID_REQUEST", {
      what: "The window starts after it ends",
      remedy: "Give START before END; both are inclusive",
      facts: { field: "start", start: window.start, end: window.end },
    });
  }
  return { start: window.start, end: window.end };
}

/** @throws INVALID_REQUEST for what is no online time in microseconds */
export function checkTime(field: "start" | "end", time: number): void {
  if (Number.isInteger(time) && Math.abs(time) <= MAX_ONLINE_MICROS) return;
  throw new LarderError("INVALID_REQUEST", {
    what: `The ${field} of the window, ${time}, is no online time`,
    remedy: "Give integer microseconds since the epoch, less than 2^53 away from it (the years 1684 to 2255)",
    facts: { field },
  });
}
