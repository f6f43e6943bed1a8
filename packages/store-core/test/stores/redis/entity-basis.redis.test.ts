import { systemClock } from "@larder/schema";
import { startRedis } from "@larder/testkit";
import { Redis } from "ioredis";
import { beforeAll, expect, test } from "vitest";
import { explainRedis, memoryOfEntities } from "../../../src/index.ts";
import { definitionsOf, fill, off, usedMemory } from "./explain-world.ts";

let redis: Awaited<ReturnType<typeof startRedis>>;
let client: Redis;
beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.port, "127.0.0.1");
  return async () => {
    client.disconnect();
    await redis[Symbol.asyncDispose]();
  };
});

const SHAPE = { views: 3, features: 10, ttls: ["30d", "7d", "0s"] };

/** What so many entities really take, in an empty database. */
async function truth(definitions: ReturnType<typeof definitionsOf>, entities: number): Promise<number> {
  await client.flushall("SYNC");
  const before = await usedMemory(client);
  await fill(definitions, entities);
  return (await usedMemory(client)).data - before.data;
}

test("the memory of 2,000, 8,000 and 32,000 entities is forecast within 5 % from 2,000 of them", async () => {
  const definitions = definitionsOf(redis.connectionString, SHAPE);
  await client.flushall("SYNC");
  await fill(definitions, 2_000);
  const { basis } = await explainRedis(definitions, { clock: systemClock, sample: 500 });
  if (basis === undefined) throw new Error("no basis");
  expect([basis.entities, basis.expiringShare, basis.examples.length]).toEqual([2_000, 0, 500]);
  expect(Object.keys(basis.examples[0] ?? {})).toEqual(["customer_id"]);
  for (const entities of [2_000, 8_000, 32_000]) {
    const actual = await truth(definitions, entities);
    expect(off(memoryOfEntities(basis, entities), actual)).toBeLessThan(0.05);
  }
});

test("what entities take with rows of some views alone is worked out within 5 %, also where they then expire", async () => {
  const definitions = definitionsOf(redis.connectionString, SHAPE);
  const alone = definitionsOf(redis.connectionString, { ...SHAPE, views: 2 });
  await client.flushall("SYNC");
  await fill(definitions, 2_000);
  const { basis } = await explainRedis(definitions, { clock: systemClock, views: ["v0", "v1"], sample: 500 });
  if (basis === undefined) throw new Error("no basis");
  expect(basis.expiringShare).toBe(1);
  const actual = await truth(alone, 8_000);
  expect(off(memoryOfEntities(basis, 8_000), actual)).toBeLessThan(0.05);
});

test("views that are unknown, or in Feast's layout, are refused", async () => {
  const packed = definitionsOf(redis.connectionString, SHAPE);
  const ask = (definitions: typeof packed, views: string[]) => explainRedis(definitions, { clock: systemClock, views });
  await expect(ask(packed, ["v9"])).rejects.toMatchObject({ code: "UNKNOWN_VIEW" });
  const feast = definitionsOf(redis.connectionString, { ...SHAPE, settings: ", layout: feast" });
  await expect(ask(feast, ["v0"])).rejects.toMatchObject({ code: "UNSUPPORTED" });
});
