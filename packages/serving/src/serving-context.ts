import type { Clock, Definitions } from "@larder/schema";
import type { OnlineStore } from "@larder/store-core";
import type { CompiledReads } from "./features/compiled-read.ts";
import type { ServingMetrics } from "./metrics/serving-metrics.ts";
import type { Predictor } from "./predict/predictor.ts";

/** What routes share: collaborators from outside, and what was compiled from them once. */
export interface ServingContext {
  readonly definitions: Definitions;
  /** Whose rows a request is for that names no tenant. */
  readonly tenant: string;
  readonly store: OnlineStore;
  readonly clock: Clock;
  readonly reads: CompiledReads;
  /** By model name, in the file's order. */
  readonly predictors: ReadonlyMap<string, Predictor>;
  readonly metrics: ServingMetrics;
}
