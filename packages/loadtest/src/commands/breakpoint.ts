import { type Outcome, outcomeOf } from "../outcome.ts";
import { table } from "../report/markdown.ts";
import { runRounds } from "../run/run-rounds.ts";
import { gatesOf } from "../run/thresholds.ts";
import { short } from "../run/verdict.ts";
import { constantPredictions } from "../scenarios.ts";
import { BREAKPOINT, SCENARIO } from "../settings.ts";
import type { CommandResult, CommandSettings } from "./command.ts";
import { conditions, openTested } from "./open-tested.ts";

/**
 * Predictions at higher and higher rates until a budget is missed. That one is missed in the end is what the search is for: only a first rate that is
 * not held is a failure.
 */
export async function runBreakpoint(settings: CommandSettings): Promise<CommandResult> {
  const { say, signal } = settings;
  const { world: opened, store } = await openTested(settings);
  await using world = opened;
  await using served = await world.serve(store);
  const found: { readonly rate: number; readonly outcome: Outcome }[] = [];
  let rate = settings.rate ?? SCENARIO.rate;
  for (let step = 0; step < BREAKPOINT.steps; step++) {
    const loads = constantPredictions({
      seconds: settings.seconds ?? BREAKPOINT.seconds,
      rate,
      tenants: served.tenants,
    });
    const gates = gatesOf(loads, served.budgets);
    const warmUpSeconds = step === 0 ? SCENARIO.warmUpSeconds : 0;
    const runs = await runRounds(world, served, { loads, gates: gates.gates, count: 1, warmUpSeconds, say, signal });
    const notes = [`${rate} requests per second.`, ...conditions(world, store, served.tenants)];
    const outcome = outcomeOf({ scenario: `breakpoint, ${rate}/s`, store: store.name, loads, notes }, gates, runs);
    say(`${rate}/s: ${outcome.missed.length === 0 ? "held" : outcome.missed.join("; ")}`);
    found.push({ rate, outcome });
    if (outcome.missed.length > 0) break;
    rate = Math.round(rate * BREAKPOINT.factor);
  }
  const [first, ...others] = found.map(({ outcome }) => outcome);
  const held = found.findLast(({ outcome }) => outcome.missed.length === 0)?.rate;
  return {
    title: "Load test: breakpoint",
    outcomes: first === undefined ? [] : [first, ...others.map((outcome) => ({ ...outcome, missed: [] }))],
    pinned: world.cores.pinned,
    text: `${ratesTable(found)}\n\nHighest rate held: ${held === undefined ? "none" : `${held}/s`}`,
  };
}

function ratesTable(found: readonly { readonly rate: number; readonly outcome: Outcome }[]): string {
  const lines = found.map(({ rate, outcome }) => {
    const p99 = outcome.judged.find(({ gate }) => gate.name === "predict.p99_ms")?.value;
    return [String(rate), p99 === undefined ? "-" : short(p99), outcome.missed.length === 0 ? "yes" : "no"];
  });
  return table(["requests per second", "p99 ms", "held"], lines);
}
