import { LarderError, MAX_ONLINE_MICROS } from "@larder/schema";

/** Event times from `start` to `end`, inclusive at both ends, in integer microseconds since the epoch. */
export interface MaterializeWindow {
  readonly start: number;
  readonly end: number;
}

/** The window, checked. @throws INVALID_REQUEST when it is empty or not in online times */
export function checkWindow(window: MaterializeWindow): MaterializeWindow {
  for (const field of ["start", "end"] as const) {
    if (!Number.isInteger(window[field]) || Math.abs(window[field]) > MAX_ONLINE_MICROS) {
      throw new LarderError("INVALID_REQUEST", {
        what: `The ${field} of the window, ${window[field]}, is no online time`,
        remedy: "Give integer microseconds since the epoch, less than 2^53 away from it (the years 1684 to 2255)",
        facts: { field },
      });
    }
  }
  if (window.start > window.end) {
    throw new LarderError("INVALID_REQUEST", {
      what: "The window starts after it ends",
      remedy: "Give START before END; both are inclusive",
      facts: { field: "start", start: window.start, end: window.end },
    });
  }
  return { start: window.start, end: window.end };
}
