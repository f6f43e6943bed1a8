import { type Definitions, systemClock } from "@larder/schema";
import { type RedisServer, startRedis } from "@larder/testkit";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { explainRedis, type GroupReport, openOnlineStore, type RedisExplanation } from "../../../src/index.ts";
import { rowKey, tenantPrefix, viewField } from "../../../src/stores/redis/redis-keys.ts";
import { definitionsOf, EVENT_TIME, fill, off, type Shape, usedMemory } from "./explain-world.ts";
import { rawClient } from "./harness.ts";

let server: RedisServer;
let redis: Redis & AsyncDisposable;

beforeAll(async () => {
  server = await startRedis();
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
  // What the server keeps of a first client and its scripts is no row's.
  const before = await usedMemory(redis);
  await fillWith();
  return (await usedMemory(redis)) - before;
}

describe("the forecast", () => {
  test.each<[string, Shape]>([
    ["one view for ever", { views: 1, features: 10, ttls: ["0s"] }],
    ["one view that expires", { views: 1, features: 10, ttls: ["30d"] }],
    ["three views, one of which never expires", { views: 3, features: 12, ttls: ["30d", "1d", "0s"] }],
  ])("of 20,000 entities from 2,000 is within 5 %% of the truth: %s", async (_, shape) => {
    const definitions = definitionsOf(server.connectionString, shape);
    await fill(definitions, 2_000);
    const now = await usedMemory(redis);
    const { forecast } = await explain(definitions, { entities: 20_000, sample: 300 });
    await fill(definitions, 20_000, 2_000);
    const then = await usedMemory(redis);
    expect(off(forecast?.usedBytes ?? 0, then)).toBeLessThan(0.05);
    expect(off((forecast?.usedBytes ?? 0) - now, then - now)).toBeLessThan(0.06);
    expect(forecast).toMatchObject({ entities: 20_000, fragmentation: 1.1 });
    expect(forecast?.nodeBytes).toBeGreaterThan((then * 1.1) / 0.75 - 1e6);
    expect(forecast?.nodeBytesWhileSaving).toBeGreaterThan(then * 2);
  });
});

describe("the parts", () => {
  test("add up to what the rows take, per view and by purpose", async () => {
    const definitions = definitionsOf(server.connectionString, { views: 3, features: 10, ttls: ["30d"] });
    const truth = await memoryOf(() => fill(definitions, 10_000));
    const group = only(await explain(definitions, { sample: 500 }));
    expect(group).toMatchObject({ tenant: "default", entities: 10_000, sampled: 500, expiringShare: 1 });
    expect(off(group.bytes, truth)).toBeLessThan(0.05);
    expect(group.bytesPerFeature).toBeCloseTo(group.bytes / 300_000, 1);
    const { parts, views } = group;
    expect(off(parts.values + parts.header + parts.structure + parts.key + parts.expiry, group.bytes)).toBeLessThan(
      1e-4,
    );
    // 10 float32 values; 20 bytes of header and 3 of states.
    expect(parts.values).toBe(10_000 * 3 * 40);
    expect(parts.header).toBe(10_000 * 3 * 23);
    expect(
      off(
        views.reduce((sum, { bytes }) => sum + bytes, 0),
        group.bytes,
      ),
    ).toBeLessThan(1e-4);
    expect(views.map(({ view, rows, expiring, dead }) => [view, rows, expiring, dead])).toEqual(
      ["v0", "v1", "v2"].map((view) => [view, 10_000, 10_000, 0]),
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
    const truth = await memoryOf(() => fill(definitions, 4_000));
    const before = await explain(definitions, { sample: 300 });
    expect(only(before).hashtableShare).toBe(1);
    expect(off(only(before).bytes, truth)).toBeLessThan(0.05);
    // A header of 20 bytes, 7 of states, 100 of values.
    expect(before.advised?.listpackValue).toBe(128);
    expect(before.advised?.saves).toBeGreaterThan(0.2);
    await redis.config("SET", "hash-max-listpack-value", 128);
    const used = await usedMemory(redis);
    await rewriteAll();
    const saved = (used - (await usedMemory(redis))) / truth;
    expect(off(before.advised?.saves ?? 0, saved)).toBeLessThan(0.1);
    const after = await explain(definitions, { sample: 300 });
    expect(only(after)).toMatchObject({ listpackShare: 1, hashtableShare: 0 });
    expect(off(only(after).bytesPerEntity, before.advised?.bytesPerEntity ?? 0)).toBeLessThan(0.03);
    expect(after.advised).toBeUndefined();
  });

  test.each([1, 3])("foretell the other layouts within 10 %%: %i views", async (views) => {
    const shape: Shape = { views, features: 10, ttls: ["30d"] };
    const definitions = definitionsOf(server.connectionString, shape);
    const count = 4_000;
    await fill(definitions, count);
    const { alternatives } = await explain(definitions, { sample: 300 });
    const foretold = (name: string) => alternatives.find((each) => each.name === name)?.bytesPerEntity ?? 0;
    const strings = await memoryOf(async () => {
      const prefix = tenantPrefix("shop", "default");
      for (let id = 100_000; id < 100_000 + count; id++) {
        const pipeline = redis.pipeline();
        for (let view = 0; view < views; view++) {
          pipeline.set(`${rowKey(prefix, String(id))}:${viewField(`v${view}`)}`, Buffer.alloc(63, 1), "PX", 1e9);
        }
        await pipeline.exec();
      }
    });
    expect(off(foretold("a string per row"), strings / count)).toBeLessThan(0.1);
    const settings = ", layout: feast, key_ttl_seconds: 100000";
    const feast = definitionsOf(server.connectionString, { ...shape, settings });
    const hashes = await memoryOf(() => fill(feast, count));
    // Larder's own field beside Feast's is not foretold: 16 bytes or so for each view.
    const marks = 16 * views;
    expect(off(foretold("layout: feast"), hashes / count - marks)).toBeLessThan(0.1);
    const group = only(await explain(feast, { sample: 300 }));
    expect(group).toMatchObject({ tenant: "default", joinKeys: ["customer_id"], entities: count });
    expect(off(group.bytes, hashes)).toBeLessThan(0.05);
    expect(group.biggest[0]?.entity).toHaveProperty("customer_id");
  });

  async function rewriteAll(): Promise<void> {
    const keys = await redis.keys("l:shop:*");
    for (const key of keys) {
      const [dump, ttl] = [await redis.dumpBuffer(key), await redis.pttl(key)];
      await redis.restore(key, ttl, dump as Buffer, "REPLACE");
    }
  }
});
