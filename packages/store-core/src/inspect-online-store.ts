import type { OnlineStoreConfig } from "@larder/schema";
import type { StoreAdvice } from "./stores/redis/inspect-settings.ts";

/** Looks at the settings of the server behind an online store; a store without a server has none. @throws STORE_UNAVAILABLE, STORE_TIMEOUT */
export async function inspectOnlineStore(config: OnlineStoreConfig): Promise<readonly StoreAdvice[]> {
  if (config.type !== "redis") return [];
  return (await import("./stores/redis/inspect-settings.ts")).inspectSettings(config);
}
