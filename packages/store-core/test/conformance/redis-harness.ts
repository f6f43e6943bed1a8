import type { ConformanceHarness } from "../../conformance/index.ts";
import { createPackedOnlineStore } from "../../src/packed-online-store.ts";
import type { RowStore } from "../../src/row-store.ts";
import { connectRedis } from "../../src/stores/redis/connect-redis.ts";
import type { RedisConnection } from "../../src/stores/redis/connection.ts";
import type { RedisPlace } from "../../src/stores/redis/connection-string.ts";
import { rowKey, tenantPrefix, viewField } from "../../src/stores/redis/redis-keys.ts";
import { openRedisRowStore } from "../../src/stores/redis/redis-row-store.ts";

/** Servers under test, whatever their topology. */
export interface TestedRedis {
  readonly name: string;
  /** How a store gets in. */
  readonly place: Pick<RedisPlace, "connectionString"> & Partial<RedisPlace>;
  /** How the test gets in behind the store's back; default: as the store does. */
  readonly behind?: Pick<RedisPlace, "connectionString">;
  readonly gather: "script" | "pipeline";
  /** Ends every server that holds rows. */
  kill(): Promise<void>;
  /** Brings them back empty, and waits until they work together again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** One set of servers, emptied between tests. */
export function redisHarness(tested: TestedRedis): ConformanceHarness & AsyncDisposable {
  const config = {
    type: "redis",
    redisType: "redis",
    sentinelMaster: "larder",
    folder: "/",
    layout: "packed",
    gather: tested.gather,
    readDeadlineMs: 10_000,
    writeDeadlineMs: 10_000,
    ...tested.place,
  } as const;
  const behind = async (run: (connection: RedisConnection) => Promise<unknown>) => {
    const connection = await connectRedis({ ...config, ...tested.behind });
    await run(connection);
    await connection.close();
  };
  const wait = () => ({ deadline: performance.now() + 10_000, signal: undefined });
  return {
    name: tested.name,
    capabilities: { createdTime: true, tenants: true, durable: true, signals: true },
    hasRowStore: true,
    async create() {
      const opened: RowStore[] = [];
      let alive = true;
      const openRows = async (views: readonly string[]) => {
        const rowStore = await openRedisRowStore(config, views);
        opened.push(rowStore);
        return rowStore;
      };
      return {
        async open(definitions, clock) {
          const rowStore = await openRows([...definitions.views.keys()]);
          return createPackedOnlineStore({ definitions, rowStore, clock });
        },
        openRows,
        overwrite: ({ project, tenant, view, entityKey }, bytes) =>
          behind((connection) => {
            const key = rowKey(tenantPrefix(project, tenant), entityKey);
            return connection.exchange([["HSET", [key, viewField(view), Buffer.from(bytes)]]], wait());
          }),
        async fail() {
          alive = false;
          await tested.kill();
        },
        async remove() {
          for (const rowStore of opened) await rowStore.close();
          if (!alive) return tested.restart();
          await behind((connection) =>
            Promise.all(connection.primaries().map((primary) => primary.exchange([["FLUSHALL", []]], wait()))),
          );
        },
      };
    },
    [Symbol.asyncDispose]: () => tested.stop(),
  };
}
