import { GATE } from "../settings.ts";
import type { K6Run } from "./run-k6.ts";
import type { Gate } from "./thresholds.ts";

/** What became of a gate over all rounds. */
export interface Judged {
  readonly gate: Gate;
  /** Per round; undefined where nothing of it was measured. */
  readonly rounds: readonly (number | undefined)[];
  /** What is compared with the limit: what is typical of the rounds, or the worst of them. */
  readonly value: number | undefined;
  readonly met: boolean;
}

/** Judges runs of the same plan. A gate of which nothing was measured is missed, unless that is what it asks for. */
export function judge(gates: readonly Gate[], runs: readonly Pick<K6Run, "metrics">[]): readonly Judged[] {
  return gates.map((gate) => {
    const rounds = runs.map(
      ({ metrics }) => metrics[gate.metric]?.[gate.statistic] ?? (gate.mayBeAbsent ? 0 : undefined),
    );
    const known = rounds.filter((value) => value !== undefined);
    if (known.length === 0 || known.length < rounds.length) return { gate, rounds, value: undefined, met: false };
    const value = gate.over === "typical" ? atShare(known, GATE.share) : worstOf(gate, known);
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

export function medianOf(values: readonly number[]): number {
  return atShare(values, 0.5);
}

/** The value below which this share of the values lies, between two of them where it falls so; NaN of none. */
function atShare(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

function worstOf({ sign }: Gate, values: readonly number[]): number {
  return sign === "<=" ? Math.max(...values) : Math.min(...values);
}
