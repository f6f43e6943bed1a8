import { startRedis } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { STORE, YAML } from "../definitions.ts";
import { createProject } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

const TIME = "2024-03-01T00:00:00Z";

/** A project on a store, and a function that runs verbs in it. */
async function explained(store: string) {
  const project = await createProject(YAML.replace(STORE, store));
  const run = async (...args: readonly string[]) => {
    const terminal = plainTerminal(undefined, project.folder);
    const exitCode = await runCli([...args], terminal);
    return { exitCode, terminal };
  };
  return { project, run };
}

test("explain answers a table for people, a JSON object for machines, and errors with a code", async () => {
  await using redis = await startRedis();
  const { project, run } = await explained(`{ type: redis, connection_string: "${redis.connectionString}" }`);
  await using _project = project;
  await project.write(
    "rows.ndjson",
    Array.from({ length: 30 }, (_, id) =>
      JSON.stringify({ customer_id: id + 100, event_timestamp: TIME, price: id, plan: "basic", invoices: [1, 2] }),
    ).join("\n"),
  );
  expect(await run("push", "plans", "--from", "rows.ndjson")).toMatchObject({ exitCode: 0 });

  const { exitCode, terminal } = await run("redis", "explain", "--entities", "1000000", "--json");
  expect(exitCode).toBe(0);
  const found = JSON.parse(terminal.said);
  expect(found).toMatchObject({
    layout: "packed",
    servers: [{ server: redis.connectionString, hash_max_listpack_value: 512 }],
    tenants: [
      {
        tenant: "default",
        entities: 30,
        sampled: 30,
        error: 0,
        views: [{ view: "plans", rows: 30, expiring: 30, dead: 0 }],
      },
    ],
    forecast: { entities: 1_000_000 },
  });
  expect(found.tenants[0].biggest[0].entity.customer_id).toBeGreaterThanOrEqual(100);
  expect(found.forecast.node_bytes).toBeGreaterThan(found.forecast.used_bytes);

  const table = (await run("redis", "explain", "--tenant", "default")).terminal.said;
  for (const word of ["per feature", "overhead", "dead", "customer_id", "a string per row", "a quarter in reserve"]) {
    expect(table).toContain(word);
  }

  expect(await run("redis", "explain", "--entities", "many")).toMatchObject({ exitCode: 2 });
  expect(await run("redis", "explain", "--tenant", "nobody")).toMatchObject({ exitCode: 2 });
  await redis.kill("SIGKILL");
  const down = await run("redis", "explain", "--json");
  expect([down.exitCode, JSON.parse(down.terminal.said).error.code]).toEqual([1, "STORE_UNAVAILABLE"]);
});

test("a store that is not Redis is a coded error", async () => {
  const { project, run } = await explained(STORE);
  await using _project = project;
  const { exitCode, terminal } = await run("redis", "explain", "--json");
  expect([exitCode, JSON.parse(terminal.said).error.code]).toEqual([2, "UNSUPPORTED"]);
});
