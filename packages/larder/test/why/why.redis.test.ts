import { type RedisServer, redisCommand, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, expect } from "vitest";
import { whyRules } from "./why-rules.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

whyRules({
  store: () => `{ type: redis, connection_string: "${redis.connectionString}", deadline: 10s, write_deadline: 10s }`,
  breakRow: async (_, __, customer) => {
    const key = `l:whys:default:{${customer}}`;
    const fields = await redisCommand(redis.port, "HKEYS", key);
    expect(fields).not.toEqual([]);
    for (const field of Array.isArray(fields) ? fields : [])
      await redisCommand(redis.port, "HSET", key, String(field), "x");
  },
});
