import type { Definitions } from "@larder/schema";
import { layoutOf } from "./row/row-layout.ts";
import { schemaOf } from "./row/row-schema.ts";
import type { StoreAdvice } from "./stores/redis/server-advice.ts";

/**
 * Looks at version and settings of the server behind an online store, with the rows in mind that the definitions make; a store without a server has
 * none. @throws STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_MISCONFIGURED
 */
export async function inspectOnlineStore({
  onlineStore,
  views,
}: Pick<Definitions, "onlineStore" | "views">): Promise<readonly StoreAdvice[]> {
  if (onlineStore.type !== "redis") return [];
  // Without the texts and lists in them, whose lengths only the rows know.
  const widest = Math.max(0, ...[...views.values()].map((view) => layoutOf(schemaOf(view)).variableStart));
  return (await import("./stores/redis/inspect-settings.ts")).inspectSettings(onlineStore, widest);
}
