import { type FeatureRow, type FeatureView, isLarderError, LarderError } from "@larder/schema";
import type { Call } from "../call.ts";
import type { OnlineStore, ReadOptions, WriteResult } from "../online-store.ts";
import type { FeatureBatch } from "../plan/feature-batch.ts";
import type { EntityKeys, ReadPlan } from "../plan/read-plan.ts";
import { ForwardingStore } from "./forwarding-store.ts";

/** Failures in a row that open the circuit: few enough that a hung store holds no crowd of callers, more than one lost connection makes. */
const FAILURES_TO_OPEN = 5;

/** How long it stays open before one call may try again: short, since a store that is back is not used before that. */
const OPEN_MS = 200;

/**
 * Stops asking a store that fails: after five failures in a row reads (or writes: each on their own) fail at once with STORE_UNAVAILABLE, and five
 * times a second one call is let through to see whether the store is back. A timeout counts only where the deadline was the store's own, so that
 * one impatient caller closes the store for nobody.
 */
export function withCircuitBreaker(inner: OnlineStore): OnlineStore {
  return new CircuitBreakerStore(inner);
}

class CircuitBreakerStore extends ForwardingStore {
  readonly #reads = new Circuit();
  readonly #writes = new Circuit();

  override read(plan: ReadPlan, keys: EntityKeys, call: Call, options?: ReadOptions): Promise<FeatureBatch> {
    return this.#reads.run(call, () => this.inner.read(plan, keys, call, options));
  }

  override write(view: FeatureView, rows: readonly FeatureRow[], call: Call): Promise<WriteResult> {
    return this.#writes.run(call, () => this.inner.write(view, rows, call));
  }
}

class Circuit {
  #failures = 0;
  /** On the `performance.now()` line; calls before it fail at once. */
  #openUntil = 0;

  async run<T>(call: Call, ask: () => Promise<T>): Promise<T> {
    if (this.#failures >= FAILURES_TO_OPEN) {
      if (performance.now() < this.#openUntil) throw open();
      // This call is the probe; the others wait for its end or for the next turn.
      this.#openUntil = performance.now() + OPEN_MS;
    }
    try {
      const answer = await ask();
      this.#failures = 0;
      return answer;
    } catch (error) {
      if (isFailure(error, call)) this.#fail();
      throw error;
    }
  }

  #fail(): void {
    this.#failures++;
    if (this.#failures >= FAILURES_TO_OPEN) this.#openUntil = performance.now() + OPEN_MS;
  }
}

function isFailure(error: unknown, call: Call): boolean {
  return (
    isLarderError(error, "STORE_UNAVAILABLE") || (call.deadline === undefined && isLarderError(error, "STORE_TIMEOUT"))
  );
}

function open(): LarderError {
  return new LarderError("STORE_UNAVAILABLE", {
    what: "The online store has failed several times in a row and is given a moment",
    remedy: "Retry in a second, and look at the store",
    facts: { circuit: "open" },
  });
}
