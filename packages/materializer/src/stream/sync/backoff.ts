import { setTimeout as wait } from "node:timers/promises";
import { isLarderError, type LarderError } from "@larder/schema";

/** Waits between attempts, in milliseconds. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** The wait after so many failures: doubled each time up to the bound, less up to a half of it, so that processes do not come back in step. */
export function backoffMs({ firstMs, maxMs, random }: Backoff, failures: number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full * (1 - random() / 2);
}

/**
 * Calls again while the failure may pass, until it does; `onFailure` hears of each. Rejects with what will not pass, and with the signal's reason
 * when it aborts during a wait.
 */
export async function untilItWorks<T>(
  call: () => T | Promise<T>,
  backoff: Backoff,
  signal: AbortSignal,
  onFailure: (error: LarderError) => void,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await call();
    } catch (error) {
      if (!isLarderError(error) || !error.retryable || signal.aborted) throw error;
      onFailure(error);
      await wait(backoffMs(backoff, failures), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
