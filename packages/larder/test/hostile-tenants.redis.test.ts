import { startRedis } from "@larder/testkit";
import { test } from "vitest";
import { tenantsNeverMeet } from "./hostile-tenants.ts";
import { createProject } from "./project.ts";

test("on Redis tenants with hostile names never meet", async () => {
  await using redis = await startRedis();
  await using project = await createProject();
  const store = `{ type: redis, layout: packed, connection_string: "${redis.connectionString}", deadline: 5s, write_deadline: 5s }`;
  await tenantsNeverMeet(project, store);
});
