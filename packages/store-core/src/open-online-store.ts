import {
  type Clock,
  type Definitions,
  type FeastRedisConfig,
  LarderError,
  type OnlineStoreConfig,
} from "@larder/schema";
import type { Call } from "./call.ts";
import { withCircuitBreaker } from "./decorators/circuit-breaker.ts";
import { withDeadlines } from "./decorators/deadline.ts";
import { withErasures } from "./decorators/erasures.ts";
import { withLastKnownGood } from "./decorators/last-known-good.ts";
import { withNearCache } from "./decorators/near-cache.ts";
import { withQuota } from "./decorators/quota.ts";
import { createErasureWatch, type ErasureSettings, erasureSettings } from "./erasure/erasure-watch.ts";
import type { OnlineStore } from "./online-store.ts";
import { createPackedOnlineStore } from "./packed-online-store.ts";
import type { RowStore } from "./row-store.ts";

/** Version of everything this package keeps in a store. A store with a newer one is not opened. */
export const FORMAT_VERSION = 1;

const FORMAT_META = "format";

/** Opens within this, whatever the deadlines of single calls are. */
const OPEN_MS = 10_000;

/** What a store is opened with. */
export interface OpenOptions {
  readonly clock: Clock;
  /** Default: {@link erasureSettings} of the configuration. Every process of a store, and whoever erases, has the same. */
  readonly erasure?: ErasureSettings;
}

/**
 * Opens the online store that the definitions name. Only the backend's own module, and the client library it needs, is loaded.
 * @throws STORE_UNAVAILABLE, STORE_MISCONFIGURED, STORE_FORMAT_NEWER, UNSUPPORTED, STORE_TIMEOUT
 */
export async function openOnlineStore(
  definitions: Definitions,
  { clock, erasure: settings = erasureSettings(definitions.onlineStore) }: OpenOptions,
): Promise<OnlineStore> {
  const bare = await openBareStore(definitions, clock);
  const erasures = createErasureWatch(bare, definitions.project, settings);
  const store = withErasures(bare, { watch: erasures, settings, clock });
  // A store inside the process has nothing to wait for.
  if (!store.capabilities.durable) return store;
  // A failure of its backend neither hangs nor floods it, and it remembers what it read where the definitions want it to.
  const breaking = withCircuitBreaker(withDeadlines(store, definitions.onlineStore));
  const { nearCache } = definitions;
  const parts = { definitions, clock, erasures };
  const near = nearCache === undefined ? breaking : withNearCache(breaking, { ...parts, ...nearCache });
  if (!remembers(definitions)) return near;
  // Outside the near cache: what that answers is remembered once, when the store brought it.
  return withLastKnownGood(near, { ...parts, maxBytes: definitions.lastKnownGoodBytes });
}

/** Whether anything may be answered from what was read before. */
function remembers({ models, onFailure }: Definitions): boolean {
  return onFailure !== "fail" || [...models.values()].some((model) => model.onStoreFailure.policy !== "fail");
}

async function openBareStore(definitions: Definitions, clock: Clock): Promise<OnlineStore> {
  const config = definitions.onlineStore;
  if (config.type === "redis" && config.layout === "feast") {
    const { openFeastOnlineStore } = await import("./stores/redis/feast/feast-online-store.ts");
    const parts = { definitions, clock, wholeRows: remembers(definitions) || definitions.nearCache !== undefined };
    return claimed(await openFeastOnlineStore(config, parts), definitions.project);
  }
  const rowStore = await openRowStore(config, definitions);
  const parts = { definitions, rowStore, clock };
  return withQuota(createPackedOnlineStore(parts), parts);
}

/** Opens the port below the typed store, after the same look at its format. @throws as {@link openOnlineStore} */
export async function openRowStore(
  config: Exclude<OnlineStoreConfig, FeastRedisConfig>,
  definitions: Definitions,
): Promise<RowStore> {
  return claimed(await openBackend(config, definitions), definitions.project);
}

async function openBackend(
  config: Exclude<OnlineStoreConfig, FeastRedisConfig>,
  definitions: Definitions,
): Promise<RowStore> {
  switch (config.type) {
    case "memory":
      return (await import("./stores/memory/memory-row-store.ts")).createMemoryRowStore();
    case "sqlite":
      return (await import("./stores/sqlite/sqlite-row-store.ts")).openSqliteRowStore(config);
    case "redis":
      return (await import("./stores/redis/redis-row-store.ts")).openRedisRowStore(config, [
        ...definitions.views.keys(),
      ]);
  }
}

/** A store that is of this format; it is closed when it is not. */
async function claimed<T extends MetaStore>(store: T, project: string): Promise<T> {
  try {
    await checkFormat(store, project);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

type MetaStore = Pick<RowStore, "getMeta" | "putMeta" | "close">;

/** Claims a fresh store for this format, refuses a newer one. */
async function checkFormat(store: MetaStore, project: string): Promise<void> {
  const call: Call = { tenant: "default", deadline: performance.now() + OPEN_MS };
  const wanted = Buffer.from(String(FORMAT_VERSION));
  const stored =
    (await store.getMeta({ project }, FORMAT_META, call)) ??
    ((await store.putMeta({ project }, FORMAT_META, wanted, undefined, call)) === undefined
      ? await store.getMeta({ project }, FORMAT_META, call)
      : undefined);
  if (stored === undefined) return;
  const version = Number(Buffer.from(stored.bytes).toString("latin1"));
  if (version === FORMAT_VERSION) return;
  throw new LarderError(version > FORMAT_VERSION ? "STORE_FORMAT_NEWER" : "STORE_CORRUPT", {
    what: `The online store of project "${project}" has format ${version}, this Larder knows ${FORMAT_VERSION}`,
    remedy:
      version > FORMAT_VERSION ? "Upgrade Larder, or point online_store elsewhere" : "Point online_store elsewhere",
    facts: { format: String(version) },
  });
}
