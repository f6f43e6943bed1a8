import { setTimeout as wait } from "node:timers/promises";

/** A limit of rows per second, kept by whoever takes from it before each write. Safe to share among writers. */
export interface Pace {
  /** Rows of one write: a tenth of a second's, so that the store gets an even stream and nobody waits long in one piece. */
  readonly rowsAtOnce: number;
  /** Waits until so many rows may be written; they count as written from then on. Ends early, with the abort's error, when `signal` aborts. */
  take(rows: number, signal: AbortSignal | undefined): Promise<void>;
}

/** A token bucket that holds one write. `rowsPerSecond` is above 0. */
export function createPace(rowsPerSecond: number): Pace {
  /** When the next row may be written, of `performance.now()`. */
  let next = performance.now();
  return {
    rowsAtOnce: Math.max(1, Math.floor(rowsPerSecond / 10)),
    async take(rows, signal) {
      const now = performance.now();
      const start = Math.max(next, now);
      next = start + (rows * 1_000) / rowsPerSecond;
      if (start > now) await wait(start - now, undefined, signal === undefined ? {} : { signal });
    },
  };
}
