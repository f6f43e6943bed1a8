import { findTenant, findView } from "@larder/schema";
import { redisCommand, startRedis } from "@larder/testkit";
import { type Cluster, Redis } from "ioredis";
import type { ConformanceHarness } from "../../conformance/index.ts";
import type { OnlineStore } from "../../src/online-store.ts";
import { openFeastOnlineStore } from "../../src/stores/redis/feast/feast-online-store.ts";
import { FeastViews } from "../../src/stores/redis/feast/field-names.ts";

/** Where Feast's layout is tried. */
export interface FeastPlace {
  readonly name: string;
  readonly connectionString: string;
  readonly redisType: "redis" | "redis_cluster";
  /** A client of the tests' own. */
  connect(): Redis | Cluster;
  /** Empties it. */
  empty(): Promise<unknown>;
  kill(): Promise<unknown>;
  restart(): Promise<unknown>;
  stop(): Promise<void>;
}

/** One server. */
export async function oneServer(): Promise<FeastPlace> {
  const server = await startRedis();
  return {
    name: "one server",
    connectionString: server.connectionString,
    redisType: "redis",
    connect: () => new Redis({ host: server.host, port: server.port, lazyConnect: true }),
    empty: () => redisCommand(server.port, "FLUSHALL"),
    kill: () => server.kill(),
    restart: () => server.restart(),
    stop: () => server.stop(),
  };
}

/** Feast's layout at a place that is emptied between tests. */
export function feastHarness(
  server: FeastPlace,
  gather: "script" | "pipeline",
  entityKeyVersion: 2 | 3,
): ConformanceHarness & AsyncDisposable {
  const config = {
    type: "redis",
    connectionString: server.connectionString,
    redisType: server.redisType,
    sentinelMaster: "larder",
    folder: "/",
    layout: "feast",
    entityKeyVersion,
    keyTtlSeconds: undefined,
    gather,
    readDeadlineMs: 10_000,
    writeDeadlineMs: 10_000,
  } as const;
  const behind = async (run: (client: Redis | Cluster) => Promise<unknown>) => {
    const client = server.connect();
    await client.connect();
    await run(client);
    await client.quit();
  };
  return {
    name: `redis in Feast's layout (${server.name}, ${gather}, keys of version ${entityKeyVersion})`,
    capabilities: { createdTime: false, tenants: false, durable: true, signals: true },
    hasRowStore: false,
    async create() {
      const opened: OnlineStore[] = [];
      let alive = true;
      const views = new Map<string, (entityKey: string) => readonly [Buffer, readonly Buffer[]]>();
      return {
        async open(definitions, clock) {
          const only = { ...definitions, tenants: new Map([["default", findTenant(definitions, "default")]]) };
          const store = await openFeastOnlineStore(config, {
            definitions: only,
            clock,
            wholeRows: gather === "pipeline",
          });
          opened.push(store);
          for (const name of definitions.views.keys()) {
            const feast = new FeastViews(definitions.project, entityKeyVersion).of(findView(definitions, name));
            const fields = feast.features.map(({ field }) => field);
            views.set(name, (entityKey) => [feast.keySpace.redisKey(entityKey), fields]);
          }
          return store;
        },
        // An empty value is Feast's null, so what is put there starts with a byte that starts no value.
        overwrite: ({ view, entityKey }, bytes) =>
          behind(async (client) => {
            const [key, fields] = views.get(view)?.(entityKey) ?? [];
            if (key === undefined || fields === undefined) throw new Error(`No store was opened with ${view}`);
            const broken = Buffer.concat([Buffer.of(0xff), bytes]);
            if ((await client.hlen(key)) === 0) await client.hset(key, `_ts:${view}`, "");
            for (const field of fields) await client.hset(key, field, broken);
          }),
        async fail() {
          alive = false;
          await server.kill();
        },
        async remove() {
          for (const store of opened) await store.close();
          if (alive) await server.empty();
          else await server.restart();
        },
      };
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
