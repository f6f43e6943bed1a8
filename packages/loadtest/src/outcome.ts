import { type Load, MACHINE_LOAD } from "./k6/load-plan.ts";
import type { K6Run } from "./run/run-k6.ts";
import type { Gates } from "./run/thresholds.ts";
import { type Judged, judge, medianOf, missedLines, short } from "./run/verdict.ts";

/** What came of a load test on one store. */
export interface Outcome {
  readonly scenario: string;
  readonly store: string;
  readonly loads: readonly Load[];
  readonly judged: readonly Judged[];
  readonly missed: readonly string[];
  readonly warnings: readonly string[];
  readonly runs: readonly K6Run[];
  /** Facts for the head of a report. */
  readonly notes: readonly string[];
}

/** Judges runs of one plan. */
export function outcomeOf(
  what: Pick<Outcome, "scenario" | "store" | "loads" | "notes">,
  { gates, warnings, aims }: Gates,
  runs: readonly K6Run[],
): Outcome {
  const judged = judge(gates, runs);
  const above = [...aims].flatMap(([budget, aim]) => {
    const value = judged.find(({ gate }) => gate.name === `${budget}.p99_ms`)?.value;
    return value !== undefined && value > aim ? [`${budget}.aim_ms is not reached: ${short(value)} > ${aim}`] : [];
  });
  return {
    ...what,
    judged,
    missed: missedLines(judged),
    warnings: [...warnings, ...above, ...ownLoad(runs), ...ownNoise(judged, runs)],
    runs,
  };
}

/** Says so where requests that need neither store nor model take half of a budget: then it is the machine that is judged. */
function ownNoise(judged: readonly Judged[], runs: readonly K6Run[]): readonly string[] {
  const each = runs.flatMap(({ timeline }) => timeline.seconds().filter(({ load }) => load === MACHINE_LOAD));
  const limits = judged.flatMap(({ gate }) => (gate.statistic === "p(99)" ? [gate.limit] : []));
  if (each.length === 0 || limits.length === 0) return [];
  const noise = medianOf(each.map(({ p99 }) => p99));
  if (noise < Math.min(...limits) / 2) return [];
  return [
    `the machine is busy: /livez alone takes ${short(noise)} ms in most seconds (p99). Run again when it is quiet`,
  ];
}

/** Above this share of a core, what is measured may be the generator. */
const BUSY_GENERATOR = 0.7;

function ownLoad(runs: readonly K6Run[]): readonly string[] {
  const cpu = runs.flatMap(({ usage }) => usage.map((each) => each.cpu["k6"] ?? 0));
  const typical = cpu.length === 0 ? 0 : medianOf(cpu);
  if (typical < BUSY_GENERATOR) return [];
  return [`the generator itself took ${short(typical)} of its core: latencies may be its own. Lower the rate`];
}
