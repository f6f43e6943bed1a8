import { isLarderError, parseDefinitions, systemClock } from "@larder/schema";
import { propertySettings, startRedis, startRedisCluster } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { explainRedis } from "../../../src/index.ts";
import { explainStore } from "../../../src/stores/redis/explain/explain-store.ts";
import {
  jemallocClasses,
  listpackHash,
  stringSize,
  stringValue,
  tableHash,
} from "../../../src/stores/redis/explain/hash-size.ts";
import { definitionsOf, fill, off } from "./explain-world.ts";
import { rawClient } from "./harness.ts";

const SHAPE = { views: 2, features: 4, ttls: ["30d", "0s"] };

/** All that the documents say is needed, beside what opening the store needs. */
const RIGHTS = "+hello +select +ping +scan +hmget +hgetall +eval_ro +evalsha_ro";

test("sizes of hashes and strings are what Redis says they are, to the byte or its rounding", async () => {
  await using server = await startRedis({ args: ["--hash-max-listpack-value", "200"] });
  await using redis = await rawClient(server);
  const stats = String(await redis.call("MEMORY", "MALLOC-STATS"));
  const allocated = jemallocClasses(Number(/quantum size:\s*(\d+)/i.exec(stats)?.[1]));
  const lengths = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 12 });
  const usage = async (key: string) => Number(await redis.call("MEMORY", "USAGE", key, "SAMPLES", "0"));
  await fc.assert(
    fc.asyncProperty(lengths, async (values) => {
      await redis.flushall();
      const fields = values.map((value, at) => ({ name: `v${at}xyz`.length, value }));
      await redis.hset("hash", Object.fromEntries(values.map((value, at) => [`v${at}xyz`, "x".repeat(value)])));
      // A table that has just grown moves on with each look at it.
      await redis.hmget("hash", ...fields.map(() => "nothing"), ...fields.map(() => "nothing"));
      await redis.set("string", "x".repeat(values[0] ?? 0));
      const compact = values.every((value) => value <= 200);
      expect(await redis.object("ENCODING", "hash")).toBe(compact ? "listpack" : "hashtable");
      const hash = compact ? listpackHash(fields, allocated) : tableHash(fields, allocated);
      const key = 24 + stringSize(4, allocated);
      // Redis counts a table's own entries and slots as asked for.
      const rounded = compact ? 0 : values.length * (allocated(24) - 24) + allocated(56) - 56;
      // It multiplies a mean in floating point and cuts off what is behind the point.
      expect(Math.abs((await usage("hash")) - (hash + key - rounded))).toBeLessThanOrEqual(1);
      expect(await usage("string")).toBe(stringValue(values[0] ?? 0, allocated) + 24 + stringSize(6, allocated));
    }),
    propertySettings(60),
  );
});

test("a server is asked in short commands only, and nothing is written", async () => {
  await using server = await startRedis();
  await using redis = await rawClient(server);
  const definitions = definitionsOf(server.connectionString, SHAPE);
  await fill(definitions, 100);
  const digest = await redis.call("DEBUG", "DIGEST").catch(() => undefined);
  await redis.config("RESETSTAT");
  await explainRedis(definitions, { clock: systemClock });
  const stats = await redis.info("commandstats");
  const used = [...stats.matchAll(/cmdstat_([^:]+):/g)].map(([, name]) => name).filter((name) => name !== "info");
  expect(used.toSorted()).toEqual(
    [
      "client|setinfo",
      "config|get",
      "config|resetstat",
      "eval_ro",
      "evalsha_ro",
      "hello",
      "hgetall",
      "hmget",
      "memory|malloc-stats",
      "memory|usage",
      "object|encoding",
      "pexpiretime",
      "scan",
    ].filter((name) => used.includes(name)),
  );
  expect(await redis.call("DEBUG", "DIGEST").catch(() => undefined)).toEqual(digest);
});

test("of a server with too many keys to walk over, pages at random places tell what all of them would", async () => {
  await using server = await startRedis();
  await using redis = await rawClient(server);
  const definitions = definitionsOf(server.connectionString, SHAPE);
  await fill(definitions, 5_000);
  await fill(definitions, 1_000, 0, "acme");
  await redis.mset(Object.fromEntries(Array.from({ length: 4_000 }, (_, at) => [`foreign:${at}`, "x"])));
  const { onlineStore: config } = definitions;
  if (config.type !== "redis") throw new Error("not Redis");
  const nothing = { tenant: undefined, entities: undefined, views: undefined, signal: undefined };
  const options = { clock: systemClock, sample: 400, ...nothing };
  const all = await explainStore(definitions, config, options);
  const some = await explainStore(definitions, config, { ...options, walked: 9_999 });
  expect(all.groups).toMatchObject([{ entities: 5_000 }, { entities: 1_000 }]);
  expect(some.groups.map(({ tenant }) => tenant)).toEqual(["default", "acme"]);
  for (const [at, { entities, bytes, error }] of some.groups.entries()) {
    expect(error).toBeGreaterThan(0);
    expect(off(entities, all.groups[at]?.entities ?? 0)).toBeLessThan(0.05);
    expect(off(bytes, all.groups[at]?.bytes ?? 0)).toBeLessThan(0.05);
  }
});

test("every primary of a cluster is looked at", async () => {
  await using cluster = await startRedisCluster({ args: ["--latency-tracking", "no"] });
  const definitions = definitionsOf(cluster.connectionString, { ...SHAPE, settings: ", redis_type: redis_cluster" });
  await fill(definitions, 1_000);
  const { servers, groups, forecast } = await explainRedis(definitions, { clock: systemClock, entities: 10_000 });
  expect(servers).toHaveLength(3);
  expect(groups).toMatchObject([{ tenant: "default", entities: 1_000, sampled: 1_000 }]);
  await fill(definitions, 10_000, 1_000);
  const after = await explainRedis(definitions, { clock: systemClock, sample: 10 });
  const used = after.servers.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  const now = servers.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  expect(off(forecast?.usedBytes ?? 0, used)).toBeLessThan(0.05);
  expect(off((forecast?.usedBytes ?? 0) - now, used - now)).toBeLessThan(0.06);
});

test("an empty store has nothing to forecast by", async () => {
  await using server = await startRedis();
  const definitions = definitionsOf(server.connectionString, SHAPE);
  const { groups, alternatives, advised, forecast } = await explainRedis(definitions, { clock: systemClock });
  expect({ groups, alternatives, advised, forecast }).toEqual({
    groups: [],
    alternatives: [],
    advised: undefined,
    forecast: undefined,
  });
});

test("a right that is missing is named; without those that only sharpen the answer it comes with notes", async () => {
  const user = (name: string, more: string) => `user ${name} on >s ~l:shop:* ~l::shop:* -@all ${RIGHTS} ${more}`;
  const whole = "+info +memory|usage +object|encoding +pexpiretime";
  await using server = await startRedis({
    acl: [
      "user default on nopass ~* &* +@all",
      user("least", whole),
      user("blind", whole.replace("+memory|usage", "")),
      user("mute", whole.replace("+info", "")),
    ],
  });
  await fill(definitionsOf(server.connectionString, SHAPE), 20);
  const as = (name: string) =>
    explainRedis(definitionsOf(`${server.connectionString},username=${name},password=s`, SHAPE), {
      clock: systemClock,
    });
  const { groups, notes } = await as("least");
  expect(groups).toMatchObject([{ entities: 20, sampled: 20 }]);
  expect(notes).toEqual([expect.stringContaining("MEMORY MALLOC-STATS"), expect.stringContaining("CONFIG GET")]);
  for (const name of ["blind", "mute"]) {
    const error = await as(name).catch((reason: unknown) => reason);
    expect(isLarderError(error, "STORE_MISCONFIGURED") && error.remedy).toContain("+info +memory|usage");
  }
});

test("another store, an unknown tenant, numbers out of range and a server that is away are coded errors", async () => {
  await using server = await startRedis();
  const definitions = definitionsOf(server.connectionString, SHAPE);
  const memory = parseDefinitions(
    `project: shop
online_store: { type: memory }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views: [{ name: v, entity: customer, features: [{ name: f, type: float32 }] }]
`,
    { file: "memory.yaml", env: {} },
  );
  const codeOf = (explaining: Promise<unknown>) =>
    explaining.then(
      () => "",
      (error: { code: string }) => error.code,
    );
  const clock = systemClock;
  expect(await codeOf(explainRedis(memory, { clock }))).toBe("UNSUPPORTED");
  expect(await codeOf(explainRedis(definitions, { clock, tenant: "nobody" }))).toBe("UNKNOWN_TENANT");
  expect(await codeOf(explainRedis(definitions, { clock, entities: 0 }))).toBe("USAGE");
  expect(await codeOf(explainRedis(definitions, { clock, sample: 1.5 }))).toBe("USAGE");
  expect(await codeOf(explainRedis(definitions, { clock, signal: AbortSignal.abort() }))).toBe("ABORTED");
  await server.kill("SIGKILL");
  expect(await codeOf(explainRedis(definitions, { clock }))).toBe("STORE_UNAVAILABLE");
});
