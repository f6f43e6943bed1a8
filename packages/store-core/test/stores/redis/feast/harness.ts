import { type Definitions, type FeastRedisConfig, findView } from "@larder/schema";
import type { RedisServer } from "@larder/testkit";
import { Redis } from "ioredis";
import { definitionsOf, type ViewSpec } from "../../../../conformance/definitions.ts";
import { Session } from "../../../../conformance/world.ts";
import { createKeySpace } from "../../../../src/stores/redis/feast/entity-key.ts";
import { openFeastOnlineStore } from "../../../../src/stores/redis/feast/feast-online-store.ts";

/** Logical time of these tests, in microseconds. */
export const NOW = Date.UTC(2026, 5, 1) * 1000;

/** A view of every type, as the golden file's `all_types` has it. */
export const ALL_TYPES = {
  i32: "int32",
  i64: "int64",
  f32: "float32",
  f64: "float64",
  flag: "bool",
  s: "string",
  b: "bytes",
  t: "unix_timestamp",
  li32: "list<int32>",
  li64: "list<int64>",
  lf32: "list<float32>",
  lf64: "list<float64>",
  lflag: "list<bool>",
  ls: "list<string>",
  lb: "list<bytes>",
  lt: "list<unix_timestamp>",
} as const satisfies ViewSpec["features"];

/** Definitions of a project with these views. */
export function project(name: string, ...views: readonly ViewSpec[]): Definitions {
  return definitionsOf({ project: name, views });
}

export const DRIVER = { driver_id: "int64" } as const;

/** Two views of one entity, and a project of both. */
export const FV: ViewSpec = { name: "fv", joinKeys: DRIVER, features: { x: "int64", y: "string" } };
export const FV2: ViewSpec = { name: "fv2", joinKeys: DRIVER, features: { x: "int64" } };
export const P = project("p", FV, FV2);

/** The Redis key of a driver. */
export function keyOf(id: bigint, name = "p", version: 2 | 3 = 3): Buffer {
  return createKeySpace(findView(P, "fv"), name, version).redisKey(String(id));
}

/** Opens a store in Feast's layout. Long deadlines: a slow machine fails no test that is not about them. */
export async function openFeast(
  server: Pick<RedisServer, "connectionString">,
  definitions: Definitions,
  changes: Partial<FeastRedisConfig> = {},
): Promise<Session & AsyncDisposable> {
  const config: FeastRedisConfig = {
    type: "redis",
    connectionString: server.connectionString,
    redisType: "redis",
    sentinelMaster: "larder",
    folder: "/",
    layout: "feast",
    gather: "script",
    entityKeyVersion: 3,
    keyTtlSeconds: undefined,
    readDeadlineMs: 10_000,
    writeDeadlineMs: 10_000,
    ...changes,
  };
  const store = await openFeastOnlineStore(config, { definitions, clock: { now: () => NOW }, wholeRows: false });
  return Object.assign(new Session(store, definitions), { [Symbol.asyncDispose]: () => store.close() });
}

/** A client that looks at the bytes, and the server emptied for it. */
export async function freshClient(server: RedisServer): Promise<Redis & AsyncDisposable> {
  const client = new Redis({ host: server.host, port: server.port, lazyConnect: true });
  await client.connect();
  await client.flushall();
  return Object.assign(client, {
    [Symbol.asyncDispose]: async () => {
      await client.quit();
    },
  });
}

/** The fields of a hash as hex, without Larder's own. */
export async function feastFields(client: Redis, key: Buffer): Promise<Record<string, string>> {
  const hash = (await client.callBuffer("HGETALL", key)) as Buffer[];
  const fields: [string, string][] = [];
  for (let i = 0; i < hash.length; i += 2) {
    const field = hash[i] as Buffer;
    if (field.length !== 5 || field[0] !== 0x6c)
      fields.push([field.toString("hex"), (hash[i + 1] as Buffer).toString("hex")]);
  }
  return Object.fromEntries(fields);
}

/** Every key of the server that is not Larder's meta. */
export async function rowKeys(client: Redis): Promise<string[]> {
  const keys = (await client.callBuffer("KEYS", "*")) as Buffer[];
  return keys
    .filter((key) => key.toString("latin1", 0, 4) !== "lf::")
    .map((key) => key.toString("hex"))
    .sort();
}
