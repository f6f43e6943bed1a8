import { LarderError } from "@larder/schema";
import { outcomeOf } from "../outcome.ts";
import { EVENT_GATES, MEMORY_GATE, withEvents, withMemory } from "../run/own-gates.ts";
import type { K6Run } from "../run/run-k6.ts";
import { runRounds } from "../run/run-rounds.ts";
import { type Gate, gatesOf } from "../run/thresholds.ts";
import { type EventRate, SCENARIOS, type Scenario } from "../scenarios.ts";
import { SCENARIO } from "../settings.ts";
import type { EventReport } from "../world/event-stream.ts";
import { type TestedStore, testedStore } from "../world/online-stores.ts";
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
  if (scenario.events !== undefined && !asked.lasting) throw ofOneProcess(name, asked);
  const { world: opened, store } = await openTested(settings, { events: scenario.events !== undefined });
  await using world = opened;
  await using filled = await world.serve(store);
  const seconds = settings.seconds ?? (scenario.lasts === "soak" ? SCENARIO.soakSeconds : SCENARIO.seconds);
  const plan = { seconds, rate: settings.rate ?? SCENARIO.rate, tenants: filled.tenants };
  const loads = scenario.loads(plan);
  const gates = gatesOf(loads, filled.budgets);
  const events = eventsOf(filled, scenario.events?.(plan));
  const run = (served: Served, warmUpSeconds: number) =>
    runRounds(world, served, {
      ...{ loads, gates: gates.gates, count: 1, warmUpSeconds, say, signal, beside: events.append },
      disturbances: scenario.disturbances?.(loads) ?? [],
    });
  const notes = [...conditions(world, store, filled.tenants), ...events.notes];
  let runs: Awaited<ReturnType<typeof run>>;
  if (scenario.cold) {
    await using cold = await filled.restart();
    notes.push(`The server listened ${Math.round(cold.startMs)} ms after its start.`);
    runs = await run(cold, 0);
  } else {
    runs = await run(filled, SCENARIO.warmUpSeconds);
  }
  runs = runs.map(events.judged);
  const own = [...events.gates];
  if (scenario.judgesMemory) {
    runs = runs.map(withMemory);
    own.push(MEMORY_GATE);
  }
  const outcome = outcomeOf(
    { scenario: name, store: store.name, loads, notes },
    { ...gates, gates: [...gates.gates, ...own] },
    runs,
  );
  return { title: `Load test: ${name}`, outcomes: [outcome], pinned: world.cores.pinned, text: "" };
}

interface Events {
  /** Appends them while requests are sent. */
  append(signal: AbortSignal): Promise<void>;
  readonly gates: readonly Gate[];
  readonly notes: readonly string[];
  /** A run with what became of them. */
  judged(run: K6Run): K6Run;
}

/** What a scenario's events do to its run; nothing where it has none. */
function eventsOf({ events }: Served, rate: EventRate | undefined): Events {
  if (events === undefined || rate === undefined) {
    return { append: async () => {}, gates: [], notes: [], judged: (run) => run };
  }
  let report: EventReport | undefined;
  return {
    append: async (signal) => {
      report = await events.append(rate, signal);
    },
    gates: EVENT_GATES,
    notes: [`${rate.perSecond} events a second come by Kafka to \`larder sync\`, which shares the generator's core.`],
    judged: (run) => (report === undefined ? run : withEvents(run, report, rate.perSecond)),
  };
}

function ofOneProcess(scenario: string, { name }: TestedStore): LarderError {
  return new LarderError("USAGE", {
    what: `The scenario ${scenario} needs a store that other processes can open, and ${name} is in the server's own process`,
    remedy: "Use --store redis or --store sqlite",
  });
}
