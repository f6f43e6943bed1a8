import { type Definitions, systemClock } from "@larder/schema";
import { type RedisServer, startRedis } from "@larder/testkit";
import type { ChainableCommander, Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { feastLayout } from "../../../bench/feast-layout.ts";
import { explainRedis, type GroupReport, openOnlineStore, type RedisExplanation } from "../../../src/index.ts";
import { rowKey, tenantPrefix, viewField } from "../../../src/stores/redis/redis-keys.ts";
import { definitionsOf, EVENT_TIME, fill, off, type Shape, usedMemory } from "./explain-world.ts";
import { rawClient } from "./harness.ts";

let server: RedisServer;
let redis: Redis & AsyncDisposable;

beforeAll(async () => {
  // A histogram of tens of kilobytes for every command that was ever sent would blur what rows take.
  server = await startRedis({ args: ["--latency-tracking", "no"] });
  redis = await rawClient(server);
});

afterAll(async () => {
  await redis?.[Symbol.asyncDispose]();
  await server?.stop();
});

beforeEach(async () => {
  await redis.flushall("SYNC");
  await redis.config("SET", "hash-max-listpack-value", 512);
});

const explain = (definitions: Definitions, options: object = {}) =>
  explainRedis(definitions, { clock: systemClock, ...options });

const only = ({ groups }: RedisExplanation): GroupReport => {
  expect(groups).toHaveLength(1);
  return groups[0] as GroupReport;
};

/** Fills an empty server and answers what that took. */
async function memoryOf(fillWith: () => Promise<void>): Promise<number> {
  await redis.flushall("SYNC");
  const before = (await usedMemory(redis)).data;
  await fillWith();
  return (await usedMemory(redis)).data - before;
}

describe("the forecast", () => {
  test("of 20,000 entities by 2,000 is within a twentieth of the truth", async () => {
    const shape: Shape = { views: 2, features: 12, ttls: ["30d"] };
    const definitions = definitionsOf(server.connectionString, shape);
    await fill(definitions, 2_000);
    const now = (await usedMemory(redis)).all;
    const { forecast } = await explain(definitions, { entities: 20_000, sample: 300 });
    await fill(definitions, 20_000, 2_000);
    const then = (await usedMemory(redis)).all;
    expect(off(forecast?.usedBytes ?? 0, then)).toBeLessThan(0.05);
    expect(off((forecast?.usedBytes ?? 0) - now, then - now)).toBeLessThan(0.03);
    expect(forecast).toMatchObject({ entities: 20_000, fragmentation: 1.1 });
    expect(forecast?.nodeBytes).toBeGreaterThan((then * 1.1) / 0.75 - 1e6);
    expect(forecast?.nodeBytesWhileSaving).toBeGreaterThan(then * 2);
  });
});

describe("the parts", () => {
  test("add up to what the rows take, per view and by purpose", async () => {
    const definitions = definitionsOf(server.connectionString, { views: 3, features: 10, ttls: ["30d"] });
    const truth = await memoryOf(() => fill(definitions, 4_000));
    const group = only(await explain(definitions, { sample: 500 }));
    expect(group).toMatchObject({ tenant: "default", entities: 4_000, sampled: 500, expiringShare: 1 });
    // Of a sample of 500: a chance in thousands is further off.
    expect(off(group.bytes, truth)).toBeLessThan(0.025);
    expect(group.bytesPerFeature).toBeCloseTo(group.bytes / 120_000, 1);
    const { parts, views } = group;
    expect(off(parts.values + parts.header + parts.structure + parts.key + parts.expiry, group.bytes)).toBeLessThan(
      1e-4,
    );
    // 10 float32 values; 20 bytes of header and 3 of states.
    expect(parts.values).toBe(4_000 * 3 * 40);
    expect(parts.header).toBe(4_000 * 3 * 23);
    expect(
      off(
        views.reduce((sum, { bytes }) => sum + bytes, 0),
        group.bytes,
      ),
    ).toBeLessThan(1e-4);
    expect(views.map(({ view, rows, expiring, dead }) => [view, rows, expiring, dead])).toEqual(
      ["v0", "v1", "v2"].map((view) => [view, 4_000, 4_000, 0]),
    );
  });

  test("say which rows are dead inside a living hash, which are tombstones, and which entities are the biggest", async () => {
    const definitions = definitionsOf(server.connectionString, { views: 2, features: 3, ttls: ["1h", "0s"] });
    await fill(definitions, 40);
    await using store = await openOnlineStore(definitions, { clock: systemClock });
    const [v0, v1] = [...definitions.views.values()];
    const times = { eventTime: EVENT_TIME + 1, createdTime: undefined };
    const gone = [100_001n, 100_002n].map((id) => ({ entityKey: [id], values: undefined, ...times }));
    await store.write(v1 as NonNullable<typeof v1>, gone, { tenant: "default" });
    const alone = { entityKey: [7n], values: [1, 2, 3], eventTime: EVENT_TIME, createdTime: undefined };
    await store.write(v1 as NonNullable<typeof v1>, [alone], { tenant: "default" });
    await redis.hset(rowKey(tenantPrefix("shop", "default"), "100003"), viewField("v1"), Buffer.alloc(3_000, 1));
    const later = { now: () => EVENT_TIME + (v0?.onlineTtl ?? 0) + (v0?.keepStale ?? 0) + 1 };
    const group = only(await explain(definitions, { clock: later }));
    expect(group).toMatchObject({ entities: 41, sampled: 41, error: 0, expiringShare: 0, hashtableShare: 1 / 41 });
    expect(group.views).toMatchObject([
      { view: "v0", rows: 40, dead: 40, tombstones: 0 },
      { view: "v1", rows: 41, dead: 0, tombstones: 2 },
    ]);
    expect(group.biggest[0]?.entity).toEqual({ customer_id: 100_003n });
    expect(group.biggest[0]?.bytes).toBeGreaterThan(3_000);
  });

  test("are one tenant's where one is named", async () => {
    const definitions = definitionsOf(server.connectionString, { views: 1, features: 3, ttls: ["0s"] });
    await fill(definitions, 30);
    await fill(definitions, 10, 0, "acme");
    await redis.set("another", "application's");
    const seen = ({ groups }: RedisExplanation) => groups.map(({ tenant, entities }) => [tenant, entities]);
    expect(seen(await explain(definitions))).toEqual([
      ["default", 30],
      ["acme", 10],
    ]);
    expect(seen(await explain(definitions, { tenant: "acme" }))).toEqual([["acme", 10]]);
  });
});

describe("the alternatives", () => {
  test("name the limit that is worth setting, and what it saves is what it does save", async () => {
    await redis.config("SET", "hash-max-listpack-value", 64);
    const definitions = definitionsOf(server.connectionString, { views: 3, features: 25, ttls: ["30d"] });
    const truth = await memoryOf(() => fill(definitions, 2_000));
    const before = await explain(definitions, { sample: 300 });
    expect(only(before).hashtableShare).toBe(1);
    expect(off(only(before).bytes, truth)).toBeLessThan(0.01);
    // A header of 20 bytes, 7 of states, 100 of values.
    expect(before.advised?.listpackValue).toBe(128);
    expect(before.advised?.saves).toBeGreaterThan(0.2);
    await redis.config("SET", "hash-max-listpack-value", 128);
    const used = (await usedMemory(redis)).data;
    await rewriteAll();
    const saved = (used - (await usedMemory(redis)).data) / truth;
    // The buffers of the client that rewrote them are part of the difference.
    expect(off(before.advised?.saves ?? 0, saved)).toBeLessThan(0.08);
    const after = await explain(definitions, { sample: 300 });
    expect(only(after)).toMatchObject({ listpackShare: 1, hashtableShare: 0 });
    expect(off(only(after).bytesPerEntity, before.advised?.bytesPerEntity ?? 0)).toBeLessThan(0.01);
    expect(after.advised).toBeUndefined();
  });

  test.each([[1], [3]])("foretell what other layouts take: views %s", async (views) => {
    const shape: Shape = { views, features: 10, ttls: ["30d"] };
    const definitions = definitionsOf(server.connectionString, shape);
    const count = 2_000;
    await fill(definitions, count);
    const { alternatives } = await explain(definitions, { sample: 300 });
    const foretold = (name: string) => alternatives.find((each) => each.name === name)?.bytesPerEntity ?? 0;
    const ids = Array.from({ length: count }, (_, at) => 100_000 + at);
    const strings = await memoryOf(() =>
      inPipelines(ids, (pipeline, id) => {
        for (let view = 0; view < views; view++) {
          const key = `${rowKey(tenantPrefix("shop", "default"), String(id))}:${viewField(`v${view}`)}`;
          pipeline.set(key, Buffer.alloc(63, 1), "PX", 1e9);
        }
      }),
    );
    expect(off(foretold("a string per row"), strings / count)).toBeLessThan(0.01);
    const layouts = Array.from({ length: views }, (_, view) => {
      return feastLayout(
        "shop",
        `v${view}`,
        Array.from({ length: 10 }, (_, i) => `f${i}`),
      );
    });
    const hashes = await memoryOf(() =>
      inPipelines(ids, (pipeline, id) => {
        for (const layout of layouts) {
          const values = Float32Array.from({ length: 10 }, (_, i) => id + i);
          pipeline.hset(layout.key(id), ...layout.row(values, Math.floor(EVENT_TIME / 1e6)));
        }
        pipeline.pexpire(layouts[0]?.key(id) ?? "", 1e9);
      }),
    );
    expect(off(foretold("layout: feast"), hashes / count)).toBeLessThan(0.01);
    const settings = ", layout: feast, key_ttl_seconds: 100000";
    const group = only(await explain(definitionsOf(server.connectionString, { ...shape, settings }), { sample: 300 }));
    expect(group).toMatchObject({ tenant: "default", joinKeys: ["customer_id"], entities: count });
    expect(off(group.bytes, hashes)).toBeLessThan(0.01);
    expect(group.biggest[0]?.entity).toHaveProperty("customer_id");
  });

  async function inPipelines(ids: readonly number[], add: (pipeline: ChainableCommander, id: number) => void) {
    for (let at = 0; at < ids.length; at += 50) {
      const pipeline = redis.pipeline();
      for (const id of ids.slice(at, at + 50)) add(pipeline, id);
      await pipeline.exec();
    }
  }

  async function rewriteAll(): Promise<void> {
    const keys = await redis.keys("l:shop:*");
    for (let at = 0; at < keys.length; at += 50) {
      const some = keys.slice(at, at + 50);
      const dumps = await Promise.all(some.map((key) => Promise.all([redis.dumpBuffer(key), redis.pttl(key)])));
      await Promise.all(
        some.map((key, i) => redis.restore(key, dumps[i]?.[1] ?? 0, dumps[i]?.[0] as Buffer, "REPLACE")),
      );
    }
  }
});
