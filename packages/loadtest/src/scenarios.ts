import type { Load, Stage } from "./k6/load-plan.ts";

/** What a scenario does beside sending requests. */
export interface Disturbance {
  /** Seconds from the start of the run. */
  readonly at: number;
  readonly what: "hang the store" | "cut the store" | "store back" | "materialize";
}

/** What the command line says of a scenario. */
export interface ScenarioSettings {
  readonly seconds: number;
  readonly rate: number;
  readonly tenants: readonly string[];
}

/** A load test that can be asked for by name. */
export interface Scenario {
  readonly summary: string;
  /** Default of --duration, where it is another than the others'. */
  readonly lasts?: "soak";
  /** The server is started anew right before, and nothing warms it up. */
  readonly cold?: boolean;
  /** Needs a store behind a connection. */
  readonly remote?: boolean;
  loads(settings: ScenarioSettings): readonly Load[];
  disturbances?(settings: ScenarioSettings): readonly Disturbance[];
}

/** Every scenario, in the order in which the help lists them. */
export const SCENARIOS = {
  lookup: {
    summary: "feature lookups of 1, 10 and 100 rows, one after the other",
    loads: (settings) => inTurn(settings, [lookup(1), lookup(10), lookup(100)]),
  },
  predict: {
    summary: "predictions of 1 and of 100 rows, one after the other",
    loads: (settings) => inTurn(settings, [predict(1), predict(100)]),
  },
  tenants: {
    summary: "lookups and predictions of all tenants at once",
    loads: ({ seconds, rate, tenants }) => [
      { ...lookup(1), start: 0, tenants, stages: flat(seconds, rate / 2) },
      { ...predict(1), start: 0, tenants, stages: flat(seconds, rate / 2) },
    ],
  },
  ingest: {
    summary: "lookups and predictions while rows are pushed and a view is materialized",
    loads: ({ seconds, rate, tenants }) => [
      { ...lookup(1), start: 0, tenants, stages: flat(seconds, rate / 2) },
      { ...predict(1), start: 0, tenants, stages: flat(seconds, rate / 2) },
      { name: "push_10", route: "push", rows: 10, start: 0, tenants, stages: flat(seconds, Math.max(1, rate / 10)) },
    ],
    disturbances: ({ seconds }) => [{ at: seconds / 3, what: "materialize" }],
  },
  cold: {
    summary: "predictions from the moment at which a new server listens",
    cold: true,
    loads: ({ seconds, rate, tenants }) => [{ ...predict(1), start: 0, tenants, stages: flat(seconds, rate) }],
  },
  outage: {
    summary:
      "the store hangs, then is cut off, in the middle: before and after it the budgets hold, during it answers are fine or a coded 503",
    remote: true,
    loads: ({ seconds, rate, tenants }) => {
      const part = seconds / 3;
      const during = { route: "predict", rows: 1, tenants, mayFail: true } as const;
      return [
        { ...predict(1), name: "before", start: 0, tenants, stages: flat(part, rate) },
        { ...during, name: "during", start: part, stages: flat(part, rate) },
        // The circuit breaker asks a store that is back only from time to time.
        { ...during, name: "recovery", start: 2 * part, stages: flat(RECOVERY_SECONDS, rate) },
        { ...predict(1), name: "after", start: 2 * part + RECOVERY_SECONDS, tenants, stages: flat(part, rate) },
      ];
    },
    disturbances: ({ seconds }) => [
      { at: seconds / 3, what: "hang the store" },
      { at: seconds / 2, what: "cut the store" },
      { at: (2 * seconds) / 3, what: "store back" },
    ],
  },
  soak: {
    summary: "lookups and predictions for long; the report shows whether memory grows",
    lasts: "soak",
    loads: ({ seconds, rate, tenants }) => [
      { ...lookup(1), start: 0, tenants, stages: flat(seconds, rate / 2) },
      { ...predict(1), start: 0, tenants, stages: flat(seconds, rate / 2) },
    ],
  },
  spike: {
    summary: "predictions at the rate, for a while at three times of it, and back",
    loads: ({ seconds, rate, tenants }) => {
      const part = seconds / 5;
      const ramps: Stage[] = [
        ...flat(2 * part - 1, rate),
        { seconds: 1, from: rate, to: 3 * rate },
        ...flat(part, 3 * rate),
        { seconds: 1, from: 3 * rate, to: rate },
        ...flat(2 * part - 1, rate),
      ];
      return [{ ...predict(1), start: 0, tenants, stages: ramps.filter((stage) => stage.seconds > 0) }];
    },
  },
} as const satisfies Record<string, Scenario>;

/** What the gate runs, over and over: predictions and lookups of one row, of all tenants, one after the other. */
export function gateLoads(settings: {
  readonly seconds: number;
  readonly predictRate: number;
  readonly lookupRate: number;
  readonly tenants: readonly string[];
}): readonly Load[] {
  const { seconds, predictRate, lookupRate, tenants } = settings;
  return [
    { ...predict(1), start: 0, tenants, stages: flat(seconds, predictRate) },
    { ...lookup(1), start: seconds, tenants, stages: flat(seconds, lookupRate) },
  ];
}

/** Requests of one kind at one rate. */
export function constantLoad(
  kind: "predict" | "lookup",
  seconds: number,
  rate: number,
  tenants: readonly string[],
): Load {
  return { ...(kind === "predict" ? predict(1) : lookup(1)), start: 0, tenants, stages: flat(seconds, rate) };
}

const RECOVERY_SECONDS = 5;

type Kind = Pick<Load, "name" | "route" | "rows" | "budget">;

function lookup(rows: number): Kind {
  return { name: `lookup_${rows}`, route: "features", rows, budget: "lookup" };
}

function predict(rows: number): Kind {
  return { name: `predict_${rows}`, route: "predict", rows, budget: "predict" };
}

/** Kinds of requests share the time. Those of a hundred rows come at a tenth of the rate: they are a hundred times the work. */
function inTurn({ seconds, rate, tenants }: ScenarioSettings, kinds: readonly Kind[]): readonly Load[] {
  const each = seconds / kinds.length;
  return kinds.map((kind, place) => ({
    ...kind,
    ...{ start: place * each, tenants, stages: flat(each, kind.rows >= 100 ? Math.max(1, rate / 10) : rate) },
  }));
}

function flat(seconds: number, rate: number): Stage[] {
  return [{ seconds, from: rate, to: rate }];
}
