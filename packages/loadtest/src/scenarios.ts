import { endOf, inSequence, leadOf } from "./k6/due-time.ts";
import { type Load, MACHINE_LOAD } from "./k6/load-plan.ts";

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
  disturbances?(loads: readonly Load[]): readonly Disturbance[];
  /** Records that come through Kafka to `larder sync` all the while. */
  events?(settings: ScenarioSettings): EventRate;
  /** Whether the server may grow is judged, too. */
  judgesMemory?: boolean;
}

/** Records that come at a fixed rate. */
export interface EventRate {
  readonly perSecond: number;
  readonly seconds: number;
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
    loads: lookupsAndPredictions,
  },
  ingest: {
    summary:
      "lookups and predictions while events come by Kafka, rows are pushed and views are materialized; no event may be lost",
    loads: (settings) => {
      const { seconds, rate, tenants } = settings;
      const push = {
        name: "push_10",
        route: "push",
        rows: 10,
        tenants,
        start: 0,
        seconds,
        rate: share(rate, 10),
      } as const;
      return [...lookupsAndPredictions(settings), push];
    },
    disturbances: ([load]) => [{ at: (load?.seconds ?? 0) / 3, what: "materialize" }],
    events: ({ rate, seconds }) => ({ perSecond: rate, seconds }),
  },
  cold: {
    summary: "predictions from the moment at which a new server listens",
    cold: true,
    loads: (settings) => [{ ...predict(1), ...settings, start: 0, lead: 0 }],
  },
  outage: {
    summary:
      "the store hangs, then is cut off: before and after it budgets hold, during it answers are fine or a coded 503",
    remote: true,
    loads: (settings) => {
      const part = { ...predict(1), ...settings, seconds: settings.seconds / 3 };
      const { budget: _, ...away } = { ...part, mayFail: true };
      return inSequence<Omit<Load, "start">>([
        { ...part, name: "before" },
        { ...away, name: "during" },
        // The circuit breaker asks a store that is back only from time to time.
        { ...away, name: "recovery", seconds: RECOVERY_SECONDS },
        { ...part, name: "after" },
      ]);
    },
    disturbances: ([, during, recovery]) => {
      if (during === undefined || recovery === undefined) return [];
      const begin = during.start + leadOf(during);
      return [
        { at: begin, what: "hang the store" },
        { at: begin + during.seconds / 2, what: "cut the store" },
        { at: recovery.start, what: "store back" },
      ];
    },
  },
  soak: {
    summary: "lookups and predictions for long; the server's memory may not grow",
    lasts: "soak",
    judgesMemory: true,
    loads: lookupsAndPredictions,
  },
  spike: {
    summary: "predictions, in the middle for a while three times as many, and back",
    loads: (settings) => {
      const part = settings.seconds / 5;
      // The steady load is judged from before the spike until after it, so that its first moments count, too.
      return [
        { ...predict(1), ...settings, name: "steady", start: 0 },
        { ...predict(1), ...settings, name: "spike", start: 2 * part, seconds: part, rate: 2 * settings.rate },
      ];
    },
  },
} as const satisfies Record<string, Scenario>;

const MACHINE_RATE = 50;

/** What the gate runs, over and over: predictions and lookups of one row, of all tenants, one after the other, and requests for nothing all the while. */
export function gateLoads(settings: {
  readonly seconds: number;
  readonly predictRate: number;
  readonly lookupRate: number;
  readonly tenants: readonly string[];
}): readonly Load[] {
  const { seconds, predictRate, lookupRate, tenants } = settings;
  const judged = inSequence([
    { ...predict(1), tenants, seconds, rate: predictRate },
    { ...lookup(1), tenants, seconds, rate: lookupRate },
  ]);
  const last = Math.max(...judged.map(endOf));
  return [
    ...judged,
    { name: MACHINE_LOAD, route: "livez", rows: 0, tenants, start: 0, lead: 1, seconds: last - 1, rate: MACHINE_RATE },
  ];
}

/** Predictions of one row at one rate. */
export function constantPredictions(settings: ScenarioSettings): readonly Load[] {
  return [{ ...predict(1), ...settings, start: 0 }];
}

const RECOVERY_SECONDS = 5;

type Kind = Pick<Load, "name" | "route" | "rows" | "budget">;

function lookup(rows: number): Kind {
  return { name: `lookup_${rows}`, route: "features", rows, budget: "lookup" };
}

function predict(rows: number): Kind {
  return { name: `predict_${rows}`, route: "predict", rows, budget: "predict" };
}

/** Half of the rate each. */
function lookupsAndPredictions({ seconds, rate, tenants }: ScenarioSettings): readonly Load[] {
  const common = { start: 0, tenants, seconds, rate: share(rate, 2) };
  return [
    { ...lookup(1), ...common },
    { ...predict(1), ...common },
  ];
}

/** Kinds of requests share the time. Those of a hundred rows come at a tenth of the rate: they are a hundred times the work. */
function inTurn({ seconds, rate, tenants }: ScenarioSettings, kinds: readonly Kind[]): readonly Load[] {
  return inSequence(
    kinds.map((kind) => ({
      ...{ ...kind, tenants, seconds: seconds / kinds.length, rate: kind.rows >= 100 ? share(rate, 10) : rate },
    })),
  );
}

/** A part of a rate, which stays whole and is at least 1. */
function share(rate: number, parts: number): number {
  return Math.max(1, Math.round(rate / parts));
}
