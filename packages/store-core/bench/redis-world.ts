import { availableParallelism, cpus } from "node:os";
import { type Definitions, findView, parseDefinitions, systemClock } from "@larder/schema";
import { type RedisServer, startRedis } from "@larder/testkit";
import { Redis } from "ioredis";
import { type OnlineStore, openOnlineStore } from "../src/index.ts";
import { pin } from "./measure.ts";

/** What is in the store: views `v0`, `v1` … of so many float32 features `f0`, `f1` …, keyed by an int64 `customer_id`. */
export interface Shape {
  readonly views: number;
  readonly features: number;
  /** A duration, or `0s` for rows that never expire. */
  readonly ttl: string;
  /** Besides `default`. */
  readonly tenants?: readonly string[];
}

/** A Redis of its own with Larder's store and a plain ioredis client on it; server and client are tied to a core each where there are two. */
export interface RedisWorld extends AsyncDisposable {
  readonly server: RedisServer;
  readonly redis: Redis;
  readonly pinned: boolean;
  /** Processor and versions, for the head of a table. */
  machine(): Promise<string>;
  /** CPU time the server has spent so far, in microseconds. */
  readonly serverCpu: () => Promise<number>;
  /** Opens Larder's store; the caller closes it. `settings` go into `online_store`. */
  open(shape: Shape, settings?: string): Promise<{ readonly store: OnlineStore; readonly definitions: Definitions }>;
}

/** Starts it. `args` go to the server. */
export async function openRedisWorld(args: readonly string[] = []): Promise<RedisWorld> {
  const server = await startRedis({ args: ["--hash-max-listpack-value", "512", ...args] });
  // Counted before this process is tied to one of them.
  const cores = availableParallelism();
  const pinned = cores > 1 && pin(server.pid, 1) && pin(process.pid, 0);
  const redis = new Redis({ host: server.host, port: server.port });
  const info = async (section: string, key: string) =>
    new RegExp(`${key}:(\\S+)`).exec(await redis.info(section))?.[1] ?? "";
  return {
    server,
    redis,
    pinned,
    machine: async () =>
      `${cpus()[0]?.model.trim()}, ${cores} cores; Redis ${await info("server", "redis_version")}, ` +
      `Node ${process.versions.node}, ioredis 6.0.0; ${pinned ? "client on core 0, server on core 1" : "not pinned to cores"}`,
    serverCpu: async () => {
      const text = await redis.info("cpu");
      const seconds = (key: string) => Number(new RegExp(`${key}:([\\d.]+)`).exec(text)?.[1]);
      return (seconds("used_cpu_user") + seconds("used_cpu_sys")) * 1e6;
    },
    open: async (shape, settings = "") => {
      const definitions = definitionsOf(server.connectionString, shape, settings);
      return { definitions, store: await openOnlineStore(definitions, { clock: systemClock }) };
    },
    [Symbol.asyncDispose]: async () => {
      redis.disconnect();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The value of a feature: another one for every customer, view and feature. */
export function featureValue(customer: number, view: number, feature: number): number {
  return Math.fround(customer * 1.25 + view * 64 + feature / 8);
}

/** Event time of every row: a minute before the bench began, in microseconds. */
export const EVENT_TIME = systemClock.now() - 60_000_000;

/** Fills every view for customers 0 … `customers` - 1. */
export async function fill(
  { store, definitions }: { readonly store: OnlineStore; readonly definitions: Definitions },
  { views, features }: Shape,
  customers: number,
): Promise<void> {
  for (let view = 0; view < views; view++) {
    const rows = Array.from({ length: customers }, (_, customer) => ({
      entityKey: [BigInt(customer)],
      eventTime: EVENT_TIME,
      createdTime: EVENT_TIME,
      values: Array.from({ length: features }, (_, feature) => featureValue(customer, view, feature)),
    }));
    await store.write(findView(definitions, `v${view}`), rows, {
      tenant: "default",
      deadline: performance.now() + 60_000,
    });
  }
}

function definitionsOf(
  connectionString: string,
  { views, features, ttl, tenants = [] }: Shape,
  settings: string,
): Definitions {
  const list = Array.from({ length: features }, (_, i) => `{ name: f${i}, type: float32 }`);
  const each = Array.from(
    { length: views },
    (_, i) => `  - { name: v${i}, entity: customer, ttl: ${ttl}, features: [${list}] }`,
  );
  return parseDefinitions(
    `project: bench
online_store: { type: redis, connection_string: "${connectionString}", layout: packed, deadline: 10s, write_deadline: 10s${settings} }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
tenants: { ${["default", ...tenants].map((tenant) => `${tenant}: {}`).join(", ")} }
feature_views:
${each.join("\n")}
`,
    { file: "bench.yaml", env: {} },
  );
}
