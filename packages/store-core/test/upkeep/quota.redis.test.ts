import { redisCommand, seededRandom, startRedis, startRedisCluster, testSeed } from "@larder/testkit";
import { afterAll, describe, expect, test } from "vitest";
import { HOSTILE_NAMES } from "../../conformance/definitions.ts";
import type { StoredRow } from "../../src/row-store.ts";
import { paceOf } from "../../src/upkeep/pace.ts";
import { redisHarness } from "../conformance/redis-harness.ts";
import { oneServer } from "../conformance/redis-suite.ts";
import { CALL, NOW, openStore, rawClient, row } from "../stores/redis/harness.ts";
import { quotaRules } from "./quota-rules.ts";
import { sweepRules } from "./sweep-rules.ts";

const single = redisHarness(await oneServer("redis"));
afterAll(() => single[Symbol.asyncDispose]());

describe("redis", () => quotaRules(single));

describe("redis (cluster)", async () => {
  const cluster = await startRedisCluster();
  const harness = redisHarness({
    name: "redis (cluster)",
    place: { connectionString: cluster.connectionString, redisType: "redis_cluster" },
    gather: "script",
    kill: async () => {},
    restart: async () => {},
    stop: () => cluster.stop(),
  });
  afterAll(() => harness[Symbol.asyncDispose]());
  sweepRules(harness);
});

test("what tenants take is within 5 % of the sum of MEMORY USAGE, at 20,000 entities of very different sizes", async () => {
  await using server = await startRedis({ args: ["--hash-max-listpack-value", "512"] });
  await using client = await rawClient(server);
  const store = await openStore(server);
  const random = seededRandom(testSeed());
  const tenants = { default: 14_000, "a*b": 5_000, "a:b\n": 1_000 };
  for (const [tenant, count] of Object.entries(tenants)) {
    for (const view of ["v", "w", "x"]) {
      for (let from = 0; from < count; from += 100) {
        const rows: StoredRow[] = [];
        for (let i = from; i < from + 100; i++) {
          // Few rows of many bytes: what a small sample gets wrong.
          if (view !== "v" && random.next() < 0.5) continue;
          const size = random.next() < 0.03 ? random.integer(1_000, 4_000) : random.integer(20, 120);
          rows.push(row({ entityKey: String(i), values: "x".repeat(size), expiresAt: NOW }));
        }
        await store.putIfNewer({ project: "churn", tenant, view }, rows, CALL);
      }
    }
  }
  const usage = await store.measure("churn", paceOf(1, undefined), CALL);
  expect([...usage.keys()].sort()).toEqual(Object.keys(tenants).sort());
  const prefixes = { default: "l:churn:default:", "a*b": "l:churn:a%2Ab:", "a:b\n": "l:churn:a%3Ab%0A:" };
  for (const [tenant, count] of Object.entries(tenants)) {
    const prefix = prefixes[tenant as keyof typeof prefixes];
    const pipeline = client.pipeline();
    for (let i = 0; i < count; i++) pipeline.memory("USAGE", `${prefix}{${i}}`, "SAMPLES", 0);
    const truth = (await pipeline.exec())?.reduce((sum, [, bytes]) => sum + Number(bytes), 0) ?? 0;
    const found = usage.get(tenant);
    expect(found?.count).toBe(count);
    expect(Math.abs((found?.bytes ?? 0) / truth - 1), tenant).toBeLessThan(0.05);
    expect(Math.abs((found?.bytes ?? 0) / truth - 1), tenant).toBeLessThanOrEqual((found?.error ?? 0) * 1.5);
  }
  await store.close();
});

test("tenants with hostile names are measured, paged and removed apart; keys that are not Larder's are passed over", async () => {
  await using server = await startRedis();
  await using client = await rawClient(server);
  const store = await openStore(server);
  const names = [...HOSTILE_NAMES.filter((name) => name !== ""), "x".repeat(200)];
  for (const tenant of names) {
    await store.putIfNewer({ project: "churn", tenant, view: "v" }, [row({ values: tenant.slice(0, 9) })], CALL);
  }
  await client.hset("l:churn:%zz:{1}", "f", "v");
  await client.hset("l:churn:%61:{1}", "f", "v");
  await client.hset("l:churn:no-braces", "f", "v");
  await client.set("l:churn:a:{9}", "not a hash");
  const usage = await store.measure("churn", paceOf(1, undefined), CALL);
  expect([...usage.keys()].sort()).toEqual([...new Set([...names, "a"])].sort());
  for (const tenant of names) {
    const page = await store.page({ project: "churn", tenant }, undefined, CALL);
    expect(page.rows.map((each) => each.tenant)).toEqual([tenant]);
    const [mine] = page.rows;
    // Another's bytes under this tenant's name remove nothing.
    const other = names.find((name) => name.slice(0, 9) !== tenant.slice(0, 9)) as string;
    const stranger = row({ values: other.slice(0, 9) });
    expect(await store.removeRows({ project: "churn", tenant, view: "v" }, [stranger], CALL)).toEqual([false]);
    expect(await store.removeRows({ project: "churn", tenant, view: "v" }, mine ? [mine] : [], CALL)).toEqual([true]);
  }
  expect(Number(await redisCommand(server.port, "DBSIZE"))).toBe(4);
  await store.close();
});

test("a user without the right to measure is told so", async () => {
  await using server = await startRedis({ acl: ["user default on nopass ~* &* +@all -memory"] });
  const store = await openStore(server);
  await store.putIfNewer({ project: "churn", tenant: "t", view: "v" }, [row({})], CALL);
  await expect(store.measure("churn", paceOf(1, undefined), CALL)).rejects.toMatchObject({
    code: "STORE_MISCONFIGURED",
    message: expect.stringContaining("+memory|usage"),
  });
  await store.close();
});
