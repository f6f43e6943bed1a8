import { startRedis } from "@larder/testkit";
import { test } from "vitest";
import { forgetsForGood } from "./forget.ts";
import { createProject } from "./project.ts";

test("on Redis a forgotten customer does not come back, and a receipt says what is left", async () => {
  await using redis = await startRedis();
  await using project = await createProject();
  const at = `connection_string: "${redis.connectionString}", deadline: 5s, write_deadline: 5s`;
  await forgetsForGood(project, `{ type: redis, layout: packed, ${at} }`);
});
