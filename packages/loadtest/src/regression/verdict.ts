import { pairedRatio, type RatioInterval, seededRandom, unpairedRatio } from "./ratio-interval.ts";

/** A figure of a bench, with its value in each round. */
export interface Series {
  readonly name: string;
  readonly better: "lower" | "higher";
  readonly values: readonly number[];
}

/** When a difference is a regression. */
export interface VerdictOptions {
  /** Worse by this share and less is let pass, such as 0.1. */
  readonly limit: number;
  /** Whether round n of both was measured one after the other. */
  readonly paired: boolean;
  /** Share of comparisons without a difference in which any figure is called slower or faster, by intervals alone. */
  readonly falseAlarms?: number;
  readonly seed?: number;
}

/** One figure, compared. Of ratios above 1 the head is worse, whichever way the figure goes. */
export interface Judged extends RatioInterval {
  readonly name: string;
  readonly base: number;
  readonly head: number;
  readonly verdict: "regression" | "unconfirmed" | "slower" | "same" | "faster";
}

/** Less than the 5 % that are promised: so far out, a bootstrap of few rounds has thinner tails than it should. */
const FALSE_ALARMS = 0.03;

/**
 * Compares each figure that both have. `regression`: its interval excludes 1, and it is worse by more than the limit; `slower` within the limit.
 * Intervals are as wide as so many figures ask for, that one among them is off by chance as rarely as `falseAlarms` says (Bonferroni).
 */
export function judgeSeries(
  base: readonly Series[],
  head: readonly Series[],
  { limit, paired, falseAlarms = FALSE_ALARMS, seed = 1 }: VerdictOptions,
): readonly Judged[] {
  const pairs = base.flatMap((each) => {
    const other = head.find(({ name }) => name === each.name);
    return other === undefined ? [] : [{ base: each, head: other }];
  });
  const random = seededRandom(seed);
  const confidence = 1 - falseAlarms / pairs.length;
  // Each end of the interval is to be a bootstrap sample that is not the very last one.
  const options = { confidence, random, resamples: Math.max(4_000, Math.ceil(8 / (1 - confidence))) };
  const ratioOf = paired ? pairedRatio : unpairedRatio;
  return pairs.map((pair) => {
    const [under, over] = pair.base.better === "lower" ? [pair.base, pair.head] : [pair.head, pair.base];
    const found = ratioOf(under.values, over.values, options);
    const slower = found.low > 1;
    return {
      ...found,
      name: pair.base.name,
      base: mean(pair.base.values),
      head: mean(pair.head.values),
      verdict: slower ? (found.ratio > 1 + limit ? "regression" : "slower") : found.high < 1 ? "faster" : "same",
    };
  });
}

/** Whether it fails the gate. */
export function isRegression({ verdict }: Judged): boolean {
  return verdict === "regression";
}

/**
 * What stays of a comparison after a second one: a regression that is none there is unconfirmed. Rounds that follow each other on a busy machine are
 * no independent ones, and a process can be slow from its start to its end by how its code happened to be compiled: neither shows in an interval.
 */
export function confirmed(first: readonly Judged[], second: readonly Judged[]): readonly Judged[] {
  const again = new Set(second.filter(isRegression).map(({ name }) => name));
  return first.map((each) =>
    isRegression(each) && !again.has(each.name) ? { ...each, verdict: "unconfirmed" } : each,
  );
}

/** Geometric, as the ratio is taken. */
function mean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
