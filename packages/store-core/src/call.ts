import { LarderError } from "@larder/schema";

/** What travels with every call of a store. */
export interface Call {
  readonly tenant: string;
  /** Ends the wait with ABORTED. */
  readonly signal?: AbortSignal;
  /** Point on the `performance.now()` line (milliseconds, monotonic) at which the wait ends with STORE_TIMEOUT. Default: the store's own deadline. */
  readonly deadline?: number;
}

/** @throws ABORTED, STORE_TIMEOUT when the call has ended before it began */
export function refuseEnded({ signal, deadline }: Pick<Call, "signal" | "deadline">): void {
  if (signal?.aborted === true) throw aborted(signal);
  if (deadline !== undefined && performance.now() >= deadline) throw timedOut("The call");
}

/** Milliseconds until a deadline, for a timer: one that is longer than it can hold fires at once, and one of less than none warns on stderr. */
export function timeLeft(deadline: number): number {
  return Math.max(0, Math.min(deadline - performance.now(), 2 ** 31 - 1));
}

/** The error of a call whose signal aborted. */
export function aborted(signal: AbortSignal): LarderError {
  return new LarderError("ABORTED", { what: "The call was aborted", remedy: "Call again", cause: signal.reason });
}

/** The error of a call that missed its deadline. */
export function timedOut(what: string): LarderError {
  return new LarderError("STORE_TIMEOUT", {
    what: `${what} missed its deadline`,
    remedy: "Retry, check the store's load, or raise online_store.deadline",
  });
}

/** The error of a call after `close`. */
export function storeClosed(): LarderError {
  return new LarderError("STORE_CLOSED", { what: "The online store is closed", remedy: "Open it again" });
}
