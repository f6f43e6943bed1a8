import type { FeatureRow, FeatureView } from "@larder/schema";
import type { Call } from "../call.ts";
import type { OnlineStore, ReadOptions, WriteResult } from "../online-store.ts";
import type { FeatureBatch } from "../plan/feature-batch.ts";
import type { EntityKeys, ReadPlan } from "../plan/read-plan.ts";
import { ForwardingStore } from "./forwarding-store.ts";

/** Milliseconds that a call without a deadline of its own may take. */
export interface StoreDeadlines {
  readonly readDeadlineMs: number;
  readonly writeDeadlineMs: number;
}

/**
 * Gives each read and write one deadline for all that it does. A backend knows its own round trips only: a view's first write has three of them (its
 * schema is looked for and stored), a large one a series of batches, and each would wait anew.
 */
export function withDeadlines(inner: OnlineStore, deadlines: StoreDeadlines): OnlineStore {
  return new DeadlineStore(inner, deadlines);
}

class DeadlineStore extends ForwardingStore {
  readonly #deadlines: StoreDeadlines;

  constructor(inner: OnlineStore, deadlines: StoreDeadlines) {
    super(inner);
    this.#deadlines = deadlines;
  }

  override read(plan: ReadPlan, keys: EntityKeys, call: Call, options?: ReadOptions): Promise<FeatureBatch> {
    return this.inner.read(plan, keys, bounded(call, this.#deadlines.readDeadlineMs), options);
  }

  override write(view: FeatureView, rows: readonly FeatureRow[], call: Call): Promise<WriteResult> {
    return this.inner.write(view, rows, bounded(call, this.#deadlines.writeDeadlineMs));
  }
}

function bounded(call: Call, milliseconds: number): Call {
  return call.deadline === undefined ? { ...call, deadline: performance.now() + milliseconds } : call;
}
