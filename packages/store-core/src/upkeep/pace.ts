import { setTimeout as delay } from "node:timers/promises";
import { LarderError } from "@larder/schema";
import { aborted } from "../call.ts";

/** How upkeep leaves room for others: it rests between its steps. */
export interface Pace {
  /** Waits in proportion to the time since the last rest. @throws ABORTED */
  rest(): Promise<void>;
}

/** Longest rest, so that one slow step does not stop the work. Milliseconds. */
const MAX_REST_MS = 1_000;

/**
 * Takes at most `share` (above 0, at most 1) of the time.
 * @throws USAGE for a share out of range
 */
export function paceOf(share: number, signal: AbortSignal | undefined): Pace {
  if (!(share > 0 && share <= 1)) {
    throw new LarderError("USAGE", {
      what: `The share of time is ${share * 100} %`,
      remedy: "Give more than 0 and at most 100 %",
      facts: { field: "share" },
    });
  }
  let since = performance.now();
  return {
    async rest() {
      const rest = Math.min((performance.now() - since) * (1 / share - 1), MAX_REST_MS);
      // With a share of all other work still gets its turn.
      await delay(rest, undefined, signal === undefined ? {} : { signal }).catch(() => {});
      if (signal?.aborted) throw aborted(signal);
      since = performance.now();
    },
  };
}
