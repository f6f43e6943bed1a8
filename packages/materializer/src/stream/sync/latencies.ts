/**
 * Upper edges of latencies in milliseconds, dense where freshness is judged: from what a sync at work takes to what an outage of hours makes of it. A
 * last class without an edge takes what is above.
 */
export const LATENCY_EDGES_MS: readonly number[] = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000, 3_600_000,
  21_600_000, 86_400_000,
];

/** How long things took, in classes. Milliseconds. */
export interface LatencyCounts {
  readonly count: number;
  readonly sumMs: number;
  /** Per class, one more than {@link LATENCY_EDGES_MS} has. */
  readonly classes: readonly number[];
}

/** Counts latencies in a fixed space, however many come. */
export class Latencies implements LatencyCounts {
  count = 0;
  sumMs = 0;
  readonly classes: number[] = new Array<number>(LATENCY_EDGES_MS.length + 1).fill(0);

  /** A latency below zero, of two clocks that differ, counts as none. */
  add(ms: number): void {
    const latency = Math.max(0, ms);
    this.count++;
    this.sumMs += latency;
    let at = 0;
    while (at < LATENCY_EDGES_MS.length && latency > (LATENCY_EDGES_MS[at] ?? 0)) at++;
    this.classes[at] = (this.classes[at] ?? 0) + 1;
  }
}

/** Several counts as one. */
export function sumLatencies(several: readonly LatencyCounts[]): LatencyCounts {
  return {
    count: several.reduce((sum, { count }) => sum + count, 0),
    sumMs: several.reduce((sum, { sumMs }) => sum + sumMs, 0),
    classes: Array.from({ length: LATENCY_EDGES_MS.length + 1 }, (_, at) =>
      several.reduce((sum, { classes }) => sum + (classes[at] ?? 0), 0),
    ),
  };
}

/**
 * A quantile, `share` from 0 to 1, as the edge that it lies at or below; undefined when nothing was counted, Infinity above the last edge.
 */
export function latencyQuantile({ count, classes }: LatencyCounts, share: number): number | undefined {
  if (count === 0) return undefined;
  let seen = 0;
  const rank = Math.max(1, Math.ceil(share * count));
  for (const [at, edge] of LATENCY_EDGES_MS.entries()) {
    seen += classes[at] ?? 0;
    if (seen >= rank) return edge;
  }
  return Number.POSITIVE_INFINITY;
}
