import type { Spread } from "./entity-choice.ts";

/** Which budget of feature_store.yaml a request counts against. */
export type BudgetName = "lookup" | "predict";

/** Seconds before a load is judged, unless it says otherwise: k6 puts its virtual users to work in them, and connections are made. */
export const LEAD_SECONDS = 1;

/** Requests of one kind. They come when they are due, whether or not earlier ones were answered: an open model. */
export interface Load {
  /** Letters, digits and `_`, unique in a plan. */
  readonly name: string;
  /** `livez` needs neither store nor model: what it takes, the machine takes. */
  readonly route: "features" | "predict" | "push" | "livez";
  /** Entities of each request. */
  readonly rows: number;
  /** Taken in turn. */
  readonly tenants: readonly string[];
  /** The budget that holds for it; absent where nothing is promised, as for writes and while the store is away. */
  readonly budget?: BudgetName;
  /** Seconds from the start of the run. */
  readonly start: number;
  /** For which latencies are judged, after the lead. */
  readonly seconds: number;
  /** Requests per second, a whole number. */
  readonly rate: number;
  /** Seconds of requests before; they have to be answered right, and their latencies are not taken. Default: {@link LEAD_SECONDS}. */
  readonly lead?: number;
  /** Also fine: 503 with a coded reason, and an answer that says it is degraded. */
  readonly mayFail?: boolean;
}

/** All that the k6 script needs to know, written to a file by who starts it. */
export interface LoadPlan {
  /** `http://host:port` of the server. */
  readonly url: string;
  /** Ids are 1 to this number. */
  readonly entities: number;
  readonly spread: Spread;
  readonly seed: number;
  readonly loads: readonly Load[];
  /** Requests under way at once, at most, per load. */
  readonly virtualUsers: number;
  /** k6's thresholds by metric. */
  readonly thresholds: Readonly<Record<string, readonly string[]>>;
  /** Where k6 writes its own summary. */
  readonly summary: string;
}

/** The metrics of the script beside k6's own. Tagged with load, route, tenant and budget. */
export const METRICS = {
  /** Milliseconds from when a request was due to the last byte of its answer. */
  latency: "latency_ms",
  /** Milliseconds by which a request was sent late. */
  late: "late_ms",
  /** Requests sent. */
  sent: "sent",
} as const;

/** The load of the gate that shows how busy the machine is: requests that need neither store nor model. */
export const MACHINE_LOAD = "livez";

/** What the script says when the first request is about to be sent. */
export const BEGUN = "larder loadtest: begun";
