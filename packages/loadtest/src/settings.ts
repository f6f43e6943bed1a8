/** Every number of the load tests that is not a budget: those stand in feature_store.yaml. LARDER_BENCH=quick makes them small, for tests of the tool. */
const QUICK = process.env["LARDER_BENCH"] === "quick";

/** Where load tests run, unless the command line says otherwise. */
export const WORLD = {
  entities: QUICK ? 10_000 : 100_000,
  tenants: ["default", "acme", "globex", "initech"],
  /** Added to each round trip to the store: what a network between two machines of one zone takes. */
  linkMs: 1,
  /** What `--inject latency` adds instead. */
  injectedMs: 60,
  /** Of the store's calls. Above every budget, so that a slow store shows as the latency that it is. */
  deadline: "1s",
  spread: "zipf",
  seed: 20_240_301,
} as const;

/**
 * The gate. On two cores of a virtual machine single runs of the same server differ by several times in their p99: each budget is judged by the
 * median of the quieter ones of `rounds` runs, so that a slow moment of the machine decides nothing.
 */
export const GATE = {
  rounds: QUICK ? 3 : 7,
  /** The part of the rounds that decides about latencies: those in which the machine was least busy. */
  quietShare: 0.5,
  seconds: QUICK ? 4 : 6,
  warmUpSeconds: QUICK ? 4 : 10,
  /** Requests per second where a budget names none. */
  rate: 200,
} as const;

/** Scenarios, unless --duration and --rate say otherwise. */
export const SCENARIO = {
  seconds: QUICK ? 4 : 30,
  warmUpSeconds: QUICK ? 2 : 10,
  rate: QUICK ? 50 : 200,
  soakSeconds: QUICK ? 8 : 900,
} as const;

/** The breakpoint search: the rate grows by this factor until a budget is missed or so many rates were tried. */
export const BREAKPOINT = { factor: 1.5, steps: QUICK ? 2 : 12, seconds: QUICK ? 3 : 10 } as const;

/** The comparison of stores. */
export const STORES = { rounds: QUICK ? 1 : 5, seconds: QUICK ? 3 : 6, rate: 100 } as const;

/** Requests under way at once, at most, per load: a pause of the server of half a second at 200 requests per second drops none. */
export const VIRTUAL_USERS = 100;
