import { setTimeout } from "node:timers/promises";
import type { Load } from "../k6/load-plan.ts";
import type { Disturbance } from "../scenarios.ts";
import { VIRTUAL_USERS, WORLD } from "../settings.ts";
import { materializeAll } from "../world/materialize-all.ts";
import type { Served, World } from "../world/open-world.ts";
import { type K6Run, runK6 } from "./run-k6.ts";
import type { Gate } from "./thresholds.ts";

/** The same loads, some times one after the other. */
export interface Rounds {
  readonly loads: readonly Load[];
  readonly gates: readonly Gate[];
  readonly count: number;
  /** Of the same loads, before what is measured; 0 for none. */
  readonly warmUpSeconds: number;
  readonly disturbances?: readonly Disturbance[];
  /** Goes on beside each of the rounds, from its first request on; the round is over when this is, too. */
  readonly beside?: (signal: AbortSignal) => Promise<void>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Runs them against a server. Other entities are chosen in each round, the same in every test. */
export async function runRounds(world: World, served: Served, rounds: Rounds): Promise<readonly K6Run[]> {
  const { loads, gates, count, warmUpSeconds, say, signal, disturbances = [], beside } = rounds;
  const run = (each: readonly Load[], round: number, gated: readonly Gate[], meanwhile: readonly Meanwhile[]) => {
    const plan = {
      ...{ url: served.url, entities: WORLD.entities, spread: WORLD.spread, seed: WORLD.seed + round },
      ...{ loads: each, virtualUsers: VIRTUAL_USERS },
    };
    return disturbed(world, meanwhile, signal, (onStart) =>
      runK6(plan, gated, {
        ...{ folder: world.folder, watched: watchedOf(world, served), signal, onStart },
      }),
    );
  };
  if (warmUpSeconds > 0) {
    say(`warming up for ${warmUpSeconds} s`);
    await run(shortened(loads, warmUpSeconds), -1, [], []);
  }
  const meanwhile: Meanwhile[] = [(until) => disturb(disturbances, world, served, until)];
  if (beside !== undefined) meanwhile.push(beside);
  const runs: K6Run[] = [];
  for (let round = 0; round < count; round++) {
    runs.push(await run(loads, round, gates, meanwhile));
    if (count > 1) say(`round ${round + 1} of ${count}: ${latencies(runs.at(-1))}`);
  }
  return runs;
}

/** Every load at once, for so long: warming up needs no order. */
function shortened(loads: readonly Load[], seconds: number): readonly Load[] {
  return loads.map(({ budget: _, ...load }) => ({ ...load, start: 0, seconds }));
}

function latencies(run: K6Run | undefined): string {
  const budgets = Object.entries(run?.metrics ?? {}).flatMap(([metric, values]) => {
    const budget = /^latency_ms\{budget:(\w+)\}$/.exec(metric)?.[1];
    return budget === undefined ? [] : [`${budget} p99 ${values["p(99)"]?.toFixed(1)} ms`];
  });
  return budgets.join(", ");
}

type Meanwhile = (signal: AbortSignal) => Promise<void>;

function watchedOf(world: World, { pid, events }: Served): Readonly<Record<string, number>> {
  return { server: pid, redis: world.redisPid, ...(events === undefined ? {} : { sync: events.pid }) };
}

/** Runs k6 and, from its first request on, what else is to happen. The store is well again afterwards, whatever happened. */
async function disturbed(
  world: World,
  meanwhile: readonly Meanwhile[],
  signal: AbortSignal,
  run: (onStart: () => void) => Promise<K6Run>,
): Promise<K6Run> {
  const started = Promise.withResolvers<void>();
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  try {
    const others = meanwhile.map((each) => started.promise.then(() => each(until)));
    const [result] = await Promise.all([run(started.resolve), ...others]);
    return result;
  } finally {
    over.abort();
    world.link.delay(world.linkMs);
  }
}

async function disturb(
  disturbances: readonly Disturbance[],
  world: World,
  served: Served,
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  for (const { at, what } of disturbances) {
    await setTimeout(Math.max(0, at * 1000 - (performance.now() - began)), undefined, { signal });
    await DISTURB[what](world, served, signal);
  }
}

const DISTURB: Record<Disturbance["what"], (world: World, served: Served, signal: AbortSignal) => unknown> = {
  "hang the store": ({ link }) => link.hang(),
  "cut the store": ({ link }) => link.cut(),
  "store back": ({ link, linkMs }) => link.delay(linkMs),
  materialize: (_, { url, tenants }, signal) => materializeAll(url, tenants.slice(0, 1), signal),
};
