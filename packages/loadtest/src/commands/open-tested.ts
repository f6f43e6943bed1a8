import { LarderError } from "@larder/schema";
import { WORLD } from "../settings.ts";
import { type TestedStore, testedStore } from "../world/online-stores.ts";
import { openWorld, type World } from "../world/open-world.ts";
import type { CommandSettings } from "./command.ts";

/** The world and the store of a command. */
export async function openTested(
  settings: CommandSettings,
  { tenants = WORLD.tenants, events = false }: { readonly tenants?: readonly string[]; readonly events?: boolean } = {},
): Promise<{ readonly world: World; readonly store: TestedStore }> {
  const store = testedStore(settings.store ?? "redis");
  if (settings.injectedMs > 0 && !store.remote) throw notRemote("--inject latency", store);
  const world = await openWorld({
    ...{ entities: WORLD.entities, tenants, deadline: WORLD.deadline, linkMs: WORLD.linkMs + settings.injectedMs },
    ...{ events, say: settings.say, signal: settings.signal },
  });
  return { world, store };
}

/** @throws for a store that is in the server's own process, which nothing can come between. */
export function notRemote(what: string, { name }: TestedStore): LarderError {
  return new LarderError("USAGE", {
    what: `${what} needs a store behind a connection, and ${name} is in the server's own process`,
    remedy: "Use --store redis",
  });
}

/** Facts on the conditions of a test, for its report. */
export function conditions(world: World, store: TestedStore, tenants: readonly string[]): readonly string[] {
  const link = store.remote
    ? `${world.linkMs} ms added to each round trip to the store`
    : "the store is in the server's process";
  const { entities, spread, deadline } = WORLD;
  return [
    `${entities.toLocaleString("en")} customers for each of ${tenants.length} tenants, chosen by ${spread}; ${link}; near cache off; deadline ${deadline}.`,
  ];
}
