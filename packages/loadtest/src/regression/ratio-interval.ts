/** Numbers from 0 to below 1. */
export type Random = () => number;

/** A ratio and the interval around it. */
export interface RatioInterval {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

/** How sure, and how carefully. */
export interface IntervalOptions {
  /** Share of intervals that hold the true ratio, such as 0.95. */
  readonly confidence: number;
  readonly random: Random;
  /** Bootstrap samples; default 4,000. */
  readonly resamples?: number;
}

const RESAMPLES = 4_000;

/** Left out of a sample at either end. */
const TRIMMED = 0.2;

/** Fewer rounds tell too little about how much rounds differ: intervals become endless. */
export const LEAST_ROUNDS = 8;

/**
 * The ratio head / base of a figure that was measured in turns: one value of each per round, all above 0. The trimmed geometric mean of
 * the rounds' ratios, with a studentized bootstrap interval over rounds (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, 12.5), which keeps
 * its promise for few rounds where plain percentiles of the bootstrap do not. Trimmed, since a machine that others use hits some rounds hard.
 */
export function pairedRatio(base: readonly number[], head: readonly number[], options: IntervalOptions): RatioInterval {
  const logs = head.map((value, round) => Math.log(value / (base[round] ?? Number.NaN)));
  return interval([logs], options);
}

/** The same for two runs that were not in turns, such as a run and a stored baseline: both are resampled. */
export function unpairedRatio(
  base: readonly number[],
  head: readonly number[],
  options: IntervalOptions,
): RatioInterval {
  return interval([head.map(Math.log), base.map(Math.log)], options);
}

/** Of the location of the first sample, less that of the second where there is one. */
function interval(samples: readonly (readonly number[])[], options: IntervalOptions): RatioInterval {
  for (const sample of samples) {
    if (sample.length < LEAST_ROUNDS || !sample.every(Number.isFinite)) {
      throw new RangeError(`A ratio needs ${LEAST_ROUNDS} rounds at least, with values above 0`);
    }
  }
  const { confidence, random, resamples = RESAMPLES } = options;
  const drawn = samples.map((sample) => new Float64Array(sample.length));
  const seen = locate(samples.map((sample) => Float64Array.from(sample)));
  const scores = new Float64Array(resamples);
  for (let turn = 0; turn < resamples; turn++) {
    for (const [at, sample] of samples.entries()) draw(sample, drawn[at] as Float64Array, random);
    const { place, error } = locate(drawn);
    // A resample of equal values has no error; its score would be endless, and it is as far out as any.
    scores[turn] = error === 0 ? Math.sign(place - seen.place) * Number.MAX_VALUE : (place - seen.place) / error;
  }
  scores.sort();
  const tail = (1 - confidence) / 2;
  const at = (share: number) => scores[Math.min(resamples - 1, Math.floor(share * resamples))] ?? 0;
  const bound = (score: number) => (seen.error === 0 ? seen.place : seen.place - score * seen.error);
  // A score can be past its interval's other side where values are very uneven; the ratio itself is in it always.
  const [low, high] = [Math.min(bound(at(1 - tail)), seen.place), Math.max(bound(at(tail)), seen.place)];
  return { ratio: Math.exp(seen.place), low: Math.exp(low), high: Math.exp(high) };
}

interface Location {
  readonly place: number;
  readonly error: number;
}

/** Trimmed mean and its standard error by the winsorized variance (Tukey & McLaughlin 1963), or the difference of two. The samples are sorted. */
function locate(samples: readonly Float64Array[]): Location {
  let [place, variance, sign] = [0, 0, 1];
  for (const sample of samples) {
    const { length } = sortFew(sample);
    const cut = Math.floor(TRIMMED * length);
    const kept = length - 2 * cut;
    let [sum, squares] = [0, 0];
    for (let at = cut; at < length - cut; at++) sum += sample[at] as number;
    const inner = (at: number) => sample[Math.min(Math.max(at, cut), length - cut - 1)] as number;
    let middle = 0;
    for (let at = 0; at < length; at++) middle += inner(at) / length;
    for (let at = 0; at < length; at++) squares += (inner(at) - middle) ** 2;
    place += (sign * sum) / kept;
    variance += (squares * length) / (length - 1) / kept ** 2;
    sign = -1;
  }
  return { place, error: Math.sqrt(variance) };
}

/** By insertion: of a few values it is several times as fast as the engine's own sort, and bootstraps sort little else. */
function sortFew(values: Float64Array): Float64Array {
  for (let at = 1; at < values.length; at++) {
    const value = values[at] as number;
    let to = at;
    for (; to > 0 && (values[to - 1] as number) > value; to--) values[to] = values[to - 1] as number;
    values[to] = value;
  }
  return values;
}

function draw(from: readonly number[], into: Float64Array, random: Random): void {
  for (let at = 0; at < into.length; at++) into[at] = from[Math.floor(random() * from.length)] as number;
}

/** Mulberry32, a small generator of 32 bits (Tommy Ettinger, public domain): the same seed gives the same verdict. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The value that a share of the values is at most; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
