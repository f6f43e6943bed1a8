import { startRedis } from "@larder/testkit";
import { test } from "vitest";
import { rollingDeploy } from "./rolling-deploy.ts";

test("on Redis, processes of old and new definitions read and write each other's rows under load", async () => {
  await using redis = await startRedis();
  const store = `{ type: redis, layout: packed, connection_string: "${redis.connectionString}", deadline: 10s, write_deadline: 10s }`;
  await rollingDeploy(store, 200);
});
