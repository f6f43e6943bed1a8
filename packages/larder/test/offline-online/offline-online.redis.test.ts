import { type RedisServer, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, test } from "vitest";
import { type Engines, expectEqualSides, openEngines } from "./sides.ts";

let engines: Engines;
let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
  engines = await openEngines();
});
afterAll(async () => {
  await engines[Symbol.asyncDispose]();
  await redis.stop();
});

test.each([
  ["packed", undefined],
  ["feast", "{ default: {} }"],
] as const)(
  "Redis, layout %s: what is materialized at a time, joined for it, and read as of it are one",
  async (layout, tenants) => {
    const onlineStore = () =>
      `{ type: redis, connection_string: "${redis.connectionString},db=${layout === "packed" ? 0 : 1}", layout: ${layout}, deadline: 30s }`;
    await expectEqualSides(engines, { onlineStore, ...(tenants === undefined ? {} : { tenants }) }, 2);
  },
);
