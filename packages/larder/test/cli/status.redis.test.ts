import { startRedis } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { FeatureStore } from "../../src/index.ts";
import { STORE, YAML } from "../definitions.ts";
import { createProject } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

test("status counts a tenant's rows in Redis, and nobody else's", async () => {
  await using redis = await startRedis();
  const store = `{ type: redis, connection_string: "${redis.connectionString}" }`;
  await using project = await createProject(YAML.replace(STORE, store));
  const row = { price: 1, plan: "a", invoices: [] };
  for (const [tenant, count] of [
    ["default", 3],
    ["acme", 5],
  ] as const) {
    await using opened = await FeatureStore.open(project.path("feature_store.yaml"), { tenant });
    const rows = Array.from({ length: count }, (_, at) => ({
      ...row,
      customer_id: at,
      event_timestamp: `2024-01-0${at + 1}`,
    }));
    await opened.push("plans", rows);
  }
  const terminal = plainTerminal(undefined, project.folder);
  expect(await runCli(["status", "--view", "plans", "--json"], terminal)).toBe(0);
  expect(JSON.parse(terminal.said)).toMatchObject({
    views: [
      { tenant: "default", rows: 3, oldest: "2024-01-01T00:00:00.000000Z", newest: "2024-01-03T00:00:00.000000Z" },
      { tenant: "acme", rows: 5, newest: "2024-01-05T00:00:00.000000Z", complete: true, state: "no_objective" },
    ],
  });
});
