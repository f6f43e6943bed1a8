import { type Budget, LarderError } from "@larder/schema";
import { dueCount } from "../k6/due-time.ts";
import { type BudgetName, type Load, METRICS } from "../k6/load-plan.ts";

/** One thing that a run has to keep. */
export interface Gate {
  /** As the verdict names it: `predict.p99_ms`, `predict.p99_ms (tenant acme)`. */
  readonly name: string;
  /** k6's metric, with its tags: `latency_ms{budget:predict}`. */
  readonly metric: string;
  readonly statistic: "p(99)" | "count" | "rate" | "max";
  readonly sign: "<=" | ">=";
  readonly limit: number;
  /** Over repeated runs: a wrong answer counts in whichever it was, a latency by what is typical of all runs, since one may have met a busy machine. */
  readonly over: "every" | "typical";
  /** That nothing of it was measured is fine: k6 has no metric for what did not happen. */
  readonly mayBeAbsent?: boolean;
}

/** What a plan is judged by. */
export interface Gates {
  readonly gates: readonly Gate[];
  /** What a budget leaves open. */
  readonly warnings: readonly string[];
  /** The percentile to aim for, in milliseconds, of each budget that has one. */
  readonly aims: ReadonlyMap<BudgetName, number>;
}

/** The part of the requests due that has to be sent. */
const SENT_SHARE = 0.99;

/**
 * The gates of a plan's loads, with the numbers of `budgets` in feature_store.yaml: latency per budget, load and tenant, and that nothing failed, was
 * dropped or was sent late. @throws LarderError CONFIG_INVALID where a load has a budget without `p99_ms`.
 */
export function gatesOf(loads: readonly Load[], budgets: ReadonlyMap<string, Budget>): Gates {
  const names = [...new Set(loads.flatMap(({ budget }) => budget ?? []))];
  const warnings: string[] = [];
  const aims = new Map<BudgetName, number>();
  const latencies = names.flatMap((name) => {
    const { p99Ms, aimMs } = budgets.get(name) ?? {};
    if (p99Ms === undefined) throw noGate(name);
    if (aimMs === undefined) warnings.push(`budgets.${name} has no aim_ms: nothing warns before the gate does`);
    else aims.set(name, aimMs);
    return latencyGates(name, p99Ms, loads);
  });
  const widest = Math.max(...names.map((name) => budgets.get(name)?.p99Ms ?? 0));
  return { gates: [...latencies, ...workGates(loads), ...lateGates(widest)], warnings, aims };
}

/** Thresholds in k6's words; one that always holds for each load, since k6 keeps the latencies of a tag only where a threshold names it. */
export function thresholdsOf(gates: readonly Gate[], loads: readonly Pick<Load, "name">[]): Record<string, string[]> {
  const thresholds: Record<string, string[]> = {};
  for (const { metric, statistic, sign, limit } of gates) {
    thresholds[metric] ??= [];
    thresholds[metric].push(`${statistic}${sign}${limit}`);
  }
  for (const { name } of loads) thresholds[`${METRICS.latency}{load:${name}}`] ??= ["p(99)>=0"];
  return thresholds;
}

function latencyGates(budget: BudgetName, limit: number, loads: readonly Load[]): Gate[] {
  const own = loads.filter((load) => load.budget === budget);
  const gate = (name: string, tags: string): Gate => ({
    ...{ name, metric: `${METRICS.latency}{${tags}}`, limit },
    ...{ statistic: "p(99)", sign: "<=", over: "typical" },
  });
  const name = `${budget}.p99_ms`;
  const tenants = [...new Set(own.flatMap((load) => load.tenants))];
  return [
    gate(name, `budget:${budget}`),
    ...(own.length > 1 ? own.map((load) => gate(`${name} (${load.name})`, `load:${load.name}`)) : []),
    ...(tenants.length > 1 ? tenants : []).map((tenant) =>
      gate(`${name} (tenant ${tenant})`, `budget:${budget},tenant:${tenant}`),
    ),
  ];
}

function workGates(loads: readonly Load[]): Gate[] {
  return loads.flatMap((load): Gate[] => [
    {
      ...{ name: `${load.name}: requests sent`, metric: `${METRICS.sent}{load:${load.name}}`, statistic: "count" },
      ...{ sign: ">=", limit: Math.floor(dueCount(load) * SENT_SHARE), over: "typical" },
    },
    {
      ...{
        name: `${load.name}: share of failed requests`,
        metric: `http_req_failed{load:${load.name}}`,
        statistic: "rate",
      },
      ...{ sign: "<=", limit: 0, over: "every" },
    },
    {
      ...{ name: `${load.name}: share of right answers`, metric: `checks{load:${load.name}}`, statistic: "rate" },
      ...{ sign: ">=", limit: 1, over: "every" },
    },
  ]);
}

function lateGates(widestMs: number): Gate[] {
  const dropped: Gate = {
    ...{ name: "requests dropped", metric: "dropped_iterations", statistic: "count", sign: "<=", limit: 0 },
    ...{ over: "typical", mayBeAbsent: true },
  };
  if (widestMs <= 0) return [dropped];
  const connecting: Gate = {
    ...{ name: "time to connect, p99 in ms", metric: "http_req_connecting", statistic: "p(99)", sign: "<=" },
    ...{ limit: widestMs, over: "typical" },
  };
  return [dropped, connecting];
}

function noGate(budget: BudgetName): LarderError {
  return new LarderError("CONFIG_INVALID", {
    what: `budgets.${budget} has no p99_ms, so that this scenario has nothing to hold`,
    remedy: `Add it, as in budgets: { ${budget}: { p99_ms: ${budget === "lookup" ? 10 : 50} } }`,
  });
}
