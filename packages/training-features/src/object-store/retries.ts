import { setTimeout as sleep } from "node:timers/promises";
import { isLarderError } from "@larder/schema";
import { aborted } from "../offline/duckdb-error.ts";
import { failureOf, isPassing, objectError, SilentServerError } from "./object-error.ts";

/** Bounds of one request. */
export interface RetryLimits {
  /** Longest silence within one try. */
  readonly timeoutMs: number;
  /** Longest time from the last byte that came to the last try. */
  readonly deadlineMs: number;
}

/** What one try is given. */
export interface Try {
  /** Ends the try: the caller's, or silence. */
  readonly signal: AbortSignal;
  /** Says that a byte came. */
  alive(): void;
}

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;

/**
 * Tries a request until it succeeds, fails for good or the deadline has passed; waits twice as long between tries each time, with jitter. A try that
 * got bytes starts the deadline anew.
 * @throws what {@link objectError} makes of the last failure; ABORTED
 */
export async function withRetries<T>(
  url: string,
  limits: RetryLimits,
  signal: AbortSignal | undefined,
  work: (each: Try) => Promise<T>,
): Promise<T> {
  let since = performance.now();
  let wait = FIRST_WAIT_MS;
  for (;;) {
    const silence = new AbortController();
    const watch = setTimeout(() => silence.abort(new SilentServerError(limits.timeoutMs)), limits.timeoutMs);
    try {
      if (signal?.aborted === true) throw aborted(signal.reason);
      const ends = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
      const alive = (): void => {
        watch.refresh();
        since = performance.now();
        wait = FIRST_WAIT_MS;
      };
      return await work({ signal: ends, alive });
    } catch (error) {
      if (signal?.aborted === true) throw aborted(signal.reason);
      if (isLarderError(error)) throw error;
      const failure = failureOf(silence.signal.aborted ? silence.signal.reason : error);
      const left = limits.deadlineMs - (performance.now() - since);
      if (!isPassing(failure) || left <= 0) throw objectError(url, failure);
      const pause = Math.min(wait * (0.5 + Math.random()), left);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => undefined); // the next try says that it was aborted
    } finally {
      clearTimeout(watch);
    }
  }
}
