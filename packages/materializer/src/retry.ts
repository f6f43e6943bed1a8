import { setTimeout as wait } from "node:timers/promises";
import { isLarderError, LarderError } from "@larder/schema";

/** Waits between attempts in milliseconds: about 25 s in all, longer than a usual failover and short enough for somebody who waits. */
const RETRY_DELAYS_MS: readonly number[] = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800];

/**
 * Runs a call of the online store again while it fails with STORE_TIMEOUT or STORE_UNAVAILABLE; repeating a write is safe, since the newest row
 * wins. Gives up with the last error when the delays are used up, and with ABORTED when `signal` aborts.
 */
export async function withRetries<T>(
  call: () => Promise<T>,
  signal: AbortSignal | undefined,
  delaysMs: readonly number[] = RETRY_DELAYS_MS,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    checkAborted(signal);
    try {
      return await call();
    } catch (error) {
      const delay = delaysMs[attempt];
      if (delay === undefined || !isLarderError(error, "STORE_TIMEOUT", "STORE_UNAVAILABLE")) throw error;
      await pause(delay, signal);
    }
  }
}

/** @throws ABORTED */
function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await wait(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? aborted(signal) : error;
  }
}

/** The error of a run whose signal aborted; its work is kept, so it says how to go on. */
export function aborted(signal: AbortSignal): LarderError {
  return new LarderError("ABORTED", {
    what: "The run was cancelled",
    remedy: "Run it again with the same arguments to continue where it stopped",
    cause: signal.reason,
  });
}
