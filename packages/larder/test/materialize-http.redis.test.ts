import { startRedis } from "@larder/testkit";
import { test } from "vitest";
import { YAML } from "./definitions.ts";
import { materializeOverHttp } from "./materialize-http.ts";
import { createProject } from "./project.ts";

test("on Redis a server materializes while it serves, refuses a second run, and finds late rows", async () => {
  await using redis = await startRedis();
  const online = `online_store: { type: redis, connection_string: "${redis.connectionString}", layout: packed, deadline: 2s }`;
  await using project = await createProject(YAML.replace(/^online_store: .*$/m, online));
  await materializeOverHttp(project);
});
