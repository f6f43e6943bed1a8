import type { Clock, Definitions } from "@larder/schema";
import type { OnlineStore } from "@larder/store-core";
import type { CompiledReads } from "./features/compiled-read.ts";
import type { ServingMetrics } from "./metrics/serving-metrics.ts";
import type { ModelRegistry } from "./registry/model-registry.ts";
import type { ServedLog } from "./served-log/served-log.ts";

/** What routes share: collaborators from outside, and what was compiled from them once. */
export interface ServingContext {
  readonly definitions: Definitions;
  /** Whose rows a request is for that names no tenant. */
  readonly tenant: string;
  readonly store: OnlineStore;
  readonly clock: Clock;
  readonly reads: CompiledReads;
  readonly models: ModelRegistry;
  readonly metrics: ServingMetrics;
  readonly servedLog: ServedLog | undefined;
}
