import { startRedis } from "@larder/testkit";
import { Redis } from "ioredis";
import type { ConformanceHarness } from "../../conformance/index.ts";
import { createPackedOnlineStore } from "../../src/packed-online-store.ts";
import type { RowStore } from "../../src/row-store.ts";
import { rowKey, tenantPrefix, viewField } from "../../src/stores/redis/redis-keys.ts";
import { openRedisRowStore } from "../../src/stores/redis/redis-row-store.ts";

/** One server, emptied between tests. */
export async function redisHarness(gather: "script" | "pipeline"): Promise<ConformanceHarness & AsyncDisposable> {
  const server = await startRedis();
  const config = {
    type: "redis",
    connectionString: server.connectionString,
    layout: "packed",
    gather,
    readDeadlineMs: 10_000,
    writeDeadlineMs: 10_000,
  } as const;
  const behind = async (run: (client: Redis) => Promise<unknown>) => {
    const client = new Redis({ host: server.host, port: server.port, lazyConnect: true });
    await client.connect();
    await run(client);
    await client.quit();
  };
  return {
    name: `redis (${gather})`,
    capabilities: { createdTime: true, tenants: true, durable: true },
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
          behind((client) =>
            client.hset(rowKey(tenantPrefix(project, tenant), entityKey), viewField(view), Buffer.from(bytes)),
          ),
        async fail() {
          alive = false;
          await server.kill();
        },
        async remove() {
          for (const rowStore of opened) await rowStore.close();
          if (alive) await behind((client) => client.flushall());
          else await server.restart();
        },
      };
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
