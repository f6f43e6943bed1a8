/** How much of everything is measured. Times are milliseconds, rates requests per second. */
export interface Settings {
  readonly quick: boolean;
  /** From when all servers run. Searches and rounds that have not begun by then are left out, and the table says so. */
  readonly measureMs: number;
  /** Starts of each server, the first one included. */
  readonly starts: number;
  readonly warmUpMs: number;
  readonly search: {
    readonly stepMs: number;
    /** A step takes longer where it would have fewer requests than this, up to {@link longestStepMs}. */
    readonly leastRequests: number;
    readonly longestStepMs: number;
    /** Halvings of the gap between what held and what did not. */
    readonly halvings: number;
    /** How often a rate that was not held is tried again. */
    readonly retries: number;
    /** First rate tried, by rows of a request. */
    readonly from: Readonly<Record<Rows, number>>;
    readonly atMost: Readonly<Record<Rows, number>>;
  };
  readonly fixed: {
    readonly rounds: number;
    readonly roundMs: number;
    readonly rates: Readonly<Record<Rows, readonly number[]>>;
  };
  readonly outage: { readonly hangMs: number; readonly downMs: number; readonly backWithinMs: number };
}

/** Rows of a request. */
export const ROWS = [1, 10, 100] as const;
export type Rows = (typeof ROWS)[number];

/** A rate is held where this share of the requests that were due had a good answer within {@link LIMIT_MS}, and none had another. */
export const SHARE = 0.99;
export const LIMIT_MS = 50;
/** While Redis is away. */
export const OUTAGE_RATE = 20;

const WHOLE: Settings = {
  quick: false,
  measureMs: 27 * 60_000,
  starts: 3,
  warmUpMs: 4_000,
  search: {
    stepMs: 1_200,
    leastRequests: 100,
    longestStepMs: 4_000,
    halvings: 2,
    retries: 2,
    from: { 1: 100, 10: 50, 100: 12 },
    atMost: { 1: 12_800, 10: 6_400, 100: 1_536 },
  },
  fixed: { rounds: 3, roundMs: 1_500, rates: { 1: [100, 500, 1_000], 10: [50, 200], 100: [12, 50, 200] } },
  outage: { hangMs: 6_000, downMs: 3_000, backWithinMs: 20_000 },
};

const QUICK: Settings = {
  quick: true,
  measureMs: 3 * 60_000,
  starts: 1,
  warmUpMs: 200,
  search: {
    stepMs: 300,
    leastRequests: 10,
    longestStepMs: 1_000,
    halvings: 0,
    retries: 0,
    from: { 1: 100, 10: 50, 100: 12 },
    atMost: { 1: 200, 10: 100, 100: 24 },
  },
  fixed: { rounds: 1, roundMs: 400, rates: { 1: [100], 10: [50], 100: [12] } },
  outage: { hangMs: 1_500, downMs: 700, backWithinMs: 15_000 },
};

/** Those of `LARDER_BENCH`. */
export function settingsOf(env: NodeJS.ProcessEnv): Settings {
  return env["LARDER_BENCH"] === "quick" ? QUICK : WHOLE;
}
