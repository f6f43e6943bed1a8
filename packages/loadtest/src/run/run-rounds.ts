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
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Runs them against a server. Other entities are chosen in each round, the same in every test. */
export async function runRounds(world: World, served: Served, rounds: Rounds): Promise<readonly K6Run[]> {
  const { loads, gates, count, warmUpSeconds, say, signal } = rounds;
  const run = (each: readonly Load[], round: number, gated: readonly Gate[], disturbances: readonly Disturbance[]) => {
    const plan = {
      ...{ url: served.url, entities: WORLD.entities, spread: WORLD.spread, seed: WORLD.seed + round },
      ...{ loads: each, virtualUsers: VIRTUAL_USERS },
    };
    return disturbed(world, served, disturbances, signal, (onStart) =>
      runK6(plan, gated, {
        ...{ folder: world.folder, watched: { server: served.pid, redis: world.redisPid }, signal, onStart },
      }),
    );
  };
  if (warmUpSeconds > 0) {
    say(`warming up for ${warmUpSeconds} s`);
    await run(shortened(loads, warmUpSeconds), -1, [], []);
  }
  const runs: K6Run[] = [];
  for (let round = 0; round < count; round++) {
    runs.push(await run(loads, round, gates, rounds.disturbances ?? []));
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

/** Runs k6 and, at their times, what disturbs it. The store is well again afterwards, whatever happened. */
async function disturbed(
  world: World,
  served: Served,
  disturbances: readonly Disturbance[],
  signal: AbortSignal,
  run: (onStart: () => void) => Promise<K6Run>,
): Promise<K6Run> {
  if (disturbances.length === 0) return await run(() => {});
  const started = Promise.withResolvers<void>();
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const disturb = async () => {
    await started.promise;
    const began = performance.now();
    for (const { at, what } of disturbances) {
      await setTimeout(Math.max(0, at * 1000 - (performance.now() - began)), undefined, { signal: until });
      await DISTURB[what](world, served, until);
    }
  };
  try {
    const disturbing = disturb();
    const [result] = await Promise.all([run(started.resolve), disturbing]);
    return result;
  } finally {
    over.abort();
    world.link.delay(world.linkMs);
  }
}

const DISTURB: Record<Disturbance["what"], (world: World, served: Served, signal: AbortSignal) => unknown> = {
  "hang the store": ({ link }) => link.hang(),
  "cut the store": ({ link }) => link.cut(),
  "store back": ({ link, linkMs }) => link.delay(linkMs),
  materialize: (_, { url, tenants }, signal) => materializeAll(url, tenants.slice(0, 1), signal),
};
