import { LarderError } from "@larder/schema";
import { outcomeOf } from "../outcome.ts";
import { runRounds } from "../run/run-rounds.ts";
import { gatesOf } from "../run/thresholds.ts";
import { SCENARIOS, type Scenario } from "../scenarios.ts";
import { SCENARIO } from "../settings.ts";
import { testedStore } from "../world/online-stores.ts";
import type { Served } from "../world/open-world.ts";
import type { CommandResult, CommandSettings } from "./command.ts";
import { conditions, notRemote, openTested } from "./open-tested.ts";

/** One scenario, once. */
export async function runScenario(name: keyof typeof SCENARIOS, settings: CommandSettings): Promise<CommandResult> {
  const { say, signal } = settings;
  const scenario: Scenario = SCENARIOS[name];
  const asked = testedStore(settings.store ?? "redis");
  if (scenario.remote && !asked.remote) throw notRemote(`The scenario ${name}`, asked);
  if (scenario.cold && !asked.lasting) {
    const what = `The scenario ${name} starts the server anew, and ${asked.name} keeps its rows in the server's process`;
    throw new LarderError("USAGE", { what, remedy: "Use --store redis or --store sqlite" });
  }
  const { world: opened, store } = await openTested(settings);
  await using world = opened;
  await using filled = await world.serve(store);
  const seconds = settings.seconds ?? (scenario.lasts === "soak" ? SCENARIO.soakSeconds : SCENARIO.seconds);
  const plan = { seconds, rate: settings.rate ?? SCENARIO.rate, tenants: filled.tenants };
  const loads = scenario.loads(plan);
  const gates = gatesOf(loads, filled.budgets);
  const run = (served: Served, warmUpSeconds: number) =>
    runRounds(world, served, {
      ...{ loads, gates: gates.gates, count: 1, warmUpSeconds, say, signal },
      disturbances: scenario.disturbances?.(loads) ?? [],
    });
  const notes = [...conditions(world, store, filled.tenants)];
  let runs: Awaited<ReturnType<typeof run>>;
  if (scenario.cold) {
    await using cold = await filled.restart();
    notes.push(`The server listened ${Math.round(cold.startMs)} ms after its start.`);
    runs = await run(cold, 0);
  } else {
    runs = await run(filled, SCENARIO.warmUpSeconds);
  }
  const outcome = outcomeOf({ scenario: name, store: store.name, loads, notes }, gates, runs);
  return { title: `Load test: ${name}`, outcomes: [outcome], pinned: world.cores.pinned, text: "" };
}
