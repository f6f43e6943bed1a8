import { MACHINE_LOAD, METRICS } from "../k6/load-plan.ts";
import { GATE } from "../settings.ts";
import type { K6Run } from "./run-k6.ts";
import type { Gate } from "./thresholds.ts";

/** What became of a gate over all rounds. */
export interface Judged {
  readonly gate: Gate;
  /** Per round; undefined where nothing of it was measured. */
  readonly rounds: readonly (number | undefined)[];
  /** What is compared with the limit: the median of the quiet rounds, or the worst of them. */
  readonly value: number | undefined;
  readonly met: boolean;
}

/** Judges runs of the same plan. A gate of which nothing was measured is missed, unless that is what it asks for. */
export function judge(gates: readonly Gate[], runs: readonly Pick<K6Run, "metrics">[]): readonly Judged[] {
  const quiet = quietRounds(runs);
  return gates.map((gate) => {
    const rounds = runs.map(
      ({ metrics }) => metrics[gate.metric]?.[gate.statistic] ?? (gate.mayBeAbsent ? 0 : undefined),
    );
    const known = rounds.filter((value) => value !== undefined);
    if (known.length === 0 || known.length < rounds.length) return { gate, rounds, value: undefined, met: false };
    const value =
      gate.over === "typical" ? medianOf(known.filter((_, round) => quiet.has(round))) : worstOf(gate, known);
    return { gate, rounds, value, met: gate.sign === "<=" ? value <= gate.limit : value >= gate.limit };
  });
}

/** `MISSED predict.p99_ms: 212 > 50`, a line for each gate that was missed. */
export function missedLines(judged: readonly Judged[]): readonly string[] {
  return judged
    .filter(({ met }) => !met)
    .map(({ gate, value }) => {
      if (value === undefined) return `MISSED ${gate.name}: nothing was measured`;
      return `MISSED ${gate.name}: ${short(value)} ${gate.sign === "<=" ? ">" : "<"} ${short(gate.limit)}`;
    });
}

/** A number as people read it: three digits, whole from a hundred on. */
export function short(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/**
 * The rounds in which the machine was least busy, by the latency of requests that need neither store nor model. A server whose event loop stalls
 * shows there, too, so such a choice can excuse stalls in half of the rounds, and never in more; waiting for the store or a model excuses nothing.
 */
function quietRounds(runs: readonly Pick<K6Run, "metrics">[]): ReadonlySet<number> {
  const noise = runs.map(({ metrics }) => metrics[`${METRICS.latency}{load:${MACHINE_LOAD}}`]?.["p(99)"] ?? 0);
  const places = [...noise.keys()].sort((a, b) => (noise[a] ?? 0) - (noise[b] ?? 0));
  const measured = noise.some((each) => each > 0);
  return new Set(measured ? places.slice(0, Math.ceil(runs.length * GATE.quietShare)) : places);
}

/** Between the middle two of an even number; NaN of none. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) / 2;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

function worstOf({ sign }: Gate, values: readonly number[]): number {
  return sign === "<=" ? Math.max(...values) : Math.min(...values);
}
