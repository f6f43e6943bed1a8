import { type Outcome, outcomeOf } from "../outcome.ts";
import { table } from "../report/markdown.ts";
import { runRounds } from "../run/run-rounds.ts";
import { gatesOf } from "../run/thresholds.ts";
import { medianOf, short } from "../run/verdict.ts";
import { gateLoads } from "../scenarios.ts";
import { SCENARIO, STORES } from "../settings.ts";
import { TESTED_STORES } from "../world/online-stores.ts";
import type { CommandResult, CommandSettings } from "./command.ts";
import { conditions, openTested } from "./open-tested.ts";

/** Not every store keeps tenants. */
const TENANTS = ["default"];

/** The same loads on every store: `online_store` is changed in feature_store.yaml, the rows are materialized again, the loads run again. */
export async function runStores(settings: CommandSettings): Promise<CommandResult> {
  const { say, signal, store: only } = settings;
  const { world: opened } = await openTested(settings, { tenants: TENANTS });
  await using world = opened;
  const outcomes: Outcome[] = [];
  for (const store of TESTED_STORES.filter(({ name }) => only === undefined || name === only)) {
    await using served = await world.serve(store);
    const rate = settings.rate ?? STORES.rate;
    const seconds = settings.seconds ?? STORES.seconds;
    const loads = gateLoads({ seconds, predictRate: rate, lookupRate: rate, tenants: served.tenants });
    const gates = gatesOf(loads, served.budgets);
    const rounds = { count: STORES.rounds, warmUpSeconds: SCENARIO.warmUpSeconds, say, signal };
    const runs = await runRounds(world, served, { loads, gates: gates.gates, ...rounds });
    const notes = conditions(world, store, served.tenants);
    const outcome = outcomeOf({ scenario: "gate", store: store.name, loads, notes }, gates, runs);
    outcomes.push({ ...outcome, missed: outcome.missed.map((line) => `${line} (${store.name})`) });
  }
  return { title: "Load test: stores", outcomes, pinned: world.cores.pinned, text: storesTable(outcomes) };
}

/** Store by percentile, in milliseconds, and the budgets below. */
function storesTable(outcomes: readonly Outcome[]): string {
  const budgets = ["lookup", "predict"];
  const columns = budgets.flatMap((budget) => STATISTICS.map((statistic) => ({ budget, statistic })));
  const lines = outcomes.map(({ store, runs }) => [
    store,
    ...columns.map(({ budget, statistic }) => {
      const each = runs.map(({ metrics }) => metrics[`latency_ms{budget:${budget}}`]?.[statistic]);
      const known = each.filter((value) => value !== undefined);
      return known.length === 0 ? "-" : short(medianOf(known));
    }),
  ]);
  const limits = columns.map(({ budget, statistic }) => {
    const judged = outcomes[0]?.judged.find(({ gate }) => gate.name === `${budget}.p99_ms`);
    return statistic === "p(99)" && judged !== undefined ? short(judged.gate.limit) : "";
  });
  const head = ["store", ...columns.map(({ budget, statistic }) => `${budget} ${NAMES[statistic]} ms`)];
  return table(head, [...lines, ["budget", ...limits]]);
}

const STATISTICS = ["med", "p(95)", "p(99)"] as const;
const NAMES = { med: "p50", "p(95)": "p95", "p(99)": "p99" } as const;
