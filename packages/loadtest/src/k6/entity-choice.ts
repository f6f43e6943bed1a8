/** How entities are chosen among the ids 1 to `count`: each as often, or by Zipf's law, the way real customers come. */
export type Spread = "uniform" | "zipf";

/** Which ids a request asks for; the same seed and request always get the same ones, whoever sends it. */
export interface EntityChoice {
  /** Ids of one request, `rows` of them; repeats are as likely as the spread makes them. */
  ids(request: number, rows: number): number[];
}

/** Exponent of Zipf's law: the k-th most popular entity comes 1 / k^s as often as the first. Web traffic is near 1. */
const ZIPF_EXPONENT = 0.99;

/** Chooses among `count` entities, at most 2^31. Runs in k6 as in Node: needs nothing of either, and no memory per entity. */
export function createEntityChoice(count: number, spread: Spread, seed: number): EntityChoice {
  const rank = spread === "zipf" ? zipfRank(count) : (next: () => number) => Math.floor(next() * count) + 1;
  const scatter = scatterOver(count);
  return {
    ids(request, rows) {
      const next = numbersOf(seed, request);
      return Array.from({ length: rows }, () => scatter(rank(next)));
    },
  };
}

/** Even numbers in [0, 1), of a seed and a request: mulberry32, begun at a hash of both. */
function numbersOf(seed: number, request: number): () => number {
  let state = mix(mix(seed >>> 0) ^ mix((request + 0x9e37_79b9) >>> 0));
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** The finalizer of MurmurHash3. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Ranks 1 to `count` by Zipf's law, by rejection-inversion (Hörmann and Derflinger 1996, "Rejection-inversion to generate variates from monotone
 * discrete distributions"): a table of 100,000 shares in each of k6's virtual users would take longer to make than many a test.
 */
function zipfRank(count: number): (next: () => number) => number {
  const s = ZIPF_EXPONENT;
  /** Integral of x^-s from 1, and its inverse. */
  const integral = (x: number) => (x ** (1 - s) - 1) / (1 - s);
  const inverse = (y: number) => (1 + y * (1 - s)) ** (1 / (1 - s));
  const first = integral(1.5) - 1;
  const last = integral(count + 0.5);
  const sure = 2 - inverse(integral(2.5) - 2 ** -s);
  return (next) => {
    for (;;) {
      const y = last + next() * (first - last);
      const x = inverse(y);
      const rank = Math.min(count, Math.max(1, Math.round(x)));
      if (rank - x <= sure || y >= integral(rank + 0.5) - rank ** -s) return rank;
    }
  };
}

/** Popular entities lie anywhere among the ids, each id once: multiplication by a number that has no divisor in common with `count`. */
function scatterOver(count: number): (rank: number) => number {
  let step = Math.max(1, Math.floor(count * 0.618_034));
  while (divisor(step, count) !== 1) step++;
  return (rank) => ((rank * step) % count) + 1;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
