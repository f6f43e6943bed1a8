import { systemClock } from "@larder/schema";
import { startRedis } from "@larder/testkit";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { explainRedis, memoryOfEntities } from "../../../src/index.ts";
import { definitionsOf, fill, off, usedMemory } from "./explain-world.ts";

const SHAPE = { views: 3, features: 10, ttls: ["30d", "7d", "0s"] };

test("the memory of 2,000, 8,000 and 32,000 entities is forecast within 5 % from 2,000, and what some views alone take", async () => {
  await using redis = await startRedis();
  await using client = await connect(redis.port);
  const definitions = definitionsOf(redis.connectionString, SHAPE);
  await fill(definitions, 2_000);
  const ask = async (views?: readonly string[]) => {
    const { basis } = await explainRedis(definitions, { clock: systemClock, views, sample: 500 });
    if (basis === undefined) throw new Error("no basis");
    return basis;
  };
  const basis = await ask();
  const some = await ask(["v0", "v1"]);
  expect([basis.entities, basis.expiringShare, basis.examples.length]).toEqual([2_000, 0, 500]);
  expect(Object.keys(basis.examples[0] ?? {})).toEqual(["customer_id"]);
  for (const entities of [2_000, 8_000, 32_000]) {
    await client.flushall("SYNC");
    const before = await usedMemory(client);
    await fill(definitions, entities);
    const actual = (await usedMemory(client)).data - before.data;
    expect([entities, off(memoryOfEntities(basis, entities), actual) < 0.05]).toEqual([entities, true]);
  }

  await client.flushall("SYNC");
  const empty = await usedMemory(client);
  await fill(definitionsOf(redis.connectionString, { ...SHAPE, views: 2 }), 8_000);
  // Without the view that never expires, entities do.
  expect(some.expiringShare).toBe(1);
  expect(off(memoryOfEntities(some, 8_000), (await usedMemory(client)).data - empty.data)).toBeLessThan(0.05);
});

test("views that are unknown, or in Feast's layout, are refused", async () => {
  const packed = definitionsOf("127.0.0.1:1", SHAPE);
  const ask = (definitions: typeof packed, views: string[]) => explainRedis(definitions, { clock: systemClock, views });
  await expect(ask(packed, ["v9"])).rejects.toMatchObject({ code: "UNKNOWN_VIEW" });
  const feast = definitionsOf("127.0.0.1:1", { ...SHAPE, settings: ", layout: feast" });
  await expect(ask(feast, ["v0"])).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

async function connect(port: number): Promise<Redis & AsyncDisposable> {
  const client = new Redis(port, "127.0.0.1");
  return Object.assign(client, { [Symbol.asyncDispose]: async () => void client.disconnect() });
}
