import { outcomeOf } from "../outcome.ts";
import { runRounds } from "../run/run-rounds.ts";
import { gatesOf } from "../run/thresholds.ts";
import { gateLoads } from "../scenarios.ts";
import { GATE } from "../settings.ts";
import type { CommandResult, CommandSettings } from "./command.ts";
import { conditions, openTested } from "./open-tested.ts";

/** The release gate: predictions and lookups of four tenants, in rounds, against the budgets. */
export async function runGate(settings: CommandSettings): Promise<CommandResult> {
  const { say, signal } = settings;
  const { world: opened, store } = await openTested(settings);
  await using world = opened;
  await using served = await world.serve(store);
  const rateOf = (budget: string) => settings.rate ?? served.budgets.get(budget)?.requestsPerSecond ?? GATE.rate;
  const loads = gateLoads({
    ...{ seconds: settings.seconds ?? GATE.seconds, tenants: served.tenants },
    ...{ predictRate: rateOf("predict"), lookupRate: rateOf("lookup") },
  });
  const gates = gatesOf(loads, served.budgets);
  const rounds = { loads, gates: gates.gates, count: GATE.rounds, warmUpSeconds: GATE.warmUpSeconds, say, signal };
  const runs = await runRounds(world, served, rounds);
  const notes = [
    ...conditions(world, store, served.tenants),
    `Of ${GATE.rounds} rounds, the median of those counts in which the machine was least busy.`,
  ];
  const outcome = outcomeOf({ scenario: "gate", store: store.name, loads, notes }, gates, runs);
  return { title: "Load test: gate", outcomes: [outcome], pinned: world.cores.pinned, text: "" };
}
