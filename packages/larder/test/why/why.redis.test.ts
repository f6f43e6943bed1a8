import { type RedisServer, redisCommand, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { whyRules } from "./why-rules.ts";
import { whyWorld } from "./world.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

const onlineStore = (layout: string) =>
  `{ type: redis, layout: ${layout}, connection_string: "${redis.connectionString}", deadline: 10s, write_deadline: 10s }`;

/** A command whose reply is a list of texts. */
async function listOf(...command: readonly string[]): Promise<readonly string[]> {
  const reply = await redisCommand(redis.port, ...command);
  expect(reply).toEqual(expect.arrayContaining([expect.any(String)]));
  return Array.isArray(reply) ? reply.map(String) : [];
}

whyRules({
  store: () => onlineStore("packed"),
  outside: {
    async breakRow(_, __, customer) {
      const key = `l:whys:default:{${customer}}`;
      for (const field of await listOf("HKEYS", key)) await redisCommand(redis.port, "HSET", key, field, "x");
    },
    async loseSchemas() {
      await redisCommand(redis.port, "DEL", ...(await listOf("KEYS", "l::whys:*:schema-*")));
    },
  },
});

test("in Feast's layout it says what can be said without created times", async () => {
  await redisCommand(redis.port, "FLUSHALL");
  await using world = await whyWorld(onlineStore("feast"), (yaml) => yaml.replace(/, acme: .* }$/m, " }"));
  await world.plans("default/a.parquet", [
    { id: 1, at: -10, price: 10, created: -9 },
    { id: 2, at: -10, price: 20 },
    { id: 3, at: -70, price: 30 },
    { id: 4, at: -10, price: null, gone: true },
    { id: 4, at: -20, price: 40 },
  ]);
  await world.push("plans", "default", { customer_id: 2, ts: world.at(-10), price: 21, plan: "p" });
  await world.materialize("plans", "default");
  const verdicts = [];
  for (const customer_id of [1, 2, 3, 4, 5]) {
    const { features } = await world.why("plans:price", { customer_id });
    verdicts.push(features[0]);
  }
  expect(verdicts).toMatchObject([
    {
      verdict: "present",
      what: `The stored row of ${world.at(-10)} (10m ago) says 10; its TTL of 1h ends in 50m`,
      also: [],
    },
    { verdict: "beaten", what: expect.stringContaining("this store keeps the first one written") },
    { verdict: "expired", status: "OUTSIDE_MAX_AGE" },
    { verdict: "tombstoned", status: "NOT_FOUND" },
    { verdict: "never_written", status: "NOT_FOUND" },
  ]);
});
