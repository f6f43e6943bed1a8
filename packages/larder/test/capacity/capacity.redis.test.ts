import { startRedis } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { plainTerminal } from "../cli/plain-terminal.ts";
import { STORE, YAML } from "../definitions.ts";
import { createProject } from "../project.ts";

/** A project on a store, and functions that run verbs in it. */
async function projectOn(store: string, budgets = "") {
  const project = await createProject(YAML.replace(STORE, store) + budgets);
  const run = async (...args: readonly string[]) => {
    const terminal = plainTerminal(undefined, project.folder);
    const exitCode = await runCli([...args], terminal);
    return { exitCode, said: terminal.said, talked: terminal.talked };
  };
  const json = async (...args: readonly string[]) => {
    const { exitCode, said } = await run(...args, "--json");
    return { exitCode, value: JSON.parse(said) };
  };
  return { project, run, json, [Symbol.asyncDispose]: () => project[Symbol.asyncDispose]() };
}

function rows(count: number): string {
  const row = (id: number) => ({ customer_id: id + 1_000, event_timestamp: "2026-03-01T00:00:00Z", price: id });
  return Array.from({ length: count }, (_, id) => JSON.stringify({ ...row(id), plan: "basic", invoices: [1, 2] })).join(
    "\n",
  );
}

test("capacity measures the rows and requests that there are and says what more of them take", async () => {
  await using redis = await startRedis();
  await using world = await projectOn(`{ type: redis, connection_string: "${redis.connectionString}", deadline: 10s }`);
  const { project, run, json } = world;
  const ask = ["capacity", "--entities", "16M", "--rps", "1k", "--seconds", "1"];

  expect(await json(...ask)).toMatchObject({ exitCode: 2, value: { error: { code: "USAGE" } } }); // two entities
  expect(await json(...ask, "--views", "plans")).toMatchObject({
    exitCode: 1,
    value: { error: { code: "SOURCE_NOT_FOUND" } },
  });

  await project.write("rows.ndjson", rows(2_000));
  expect(await run("push", "plans", "--from", "rows.ndjson")).toMatchObject({ exitCode: 0 });
  const { exitCode, value } = await json(...ask, "--views", "plans", "--tenants", "2", "--node-memory", "4GiB");
  expect(exitCode).toBe(0);
  expect(value).toMatchObject({
    entities: 32_000_000,
    requests_per_second: 1_000,
    node_memory: 4 * 1024 ** 3,
    views: ["plans"],
    measured: { entities: 2_000, expiring: 1 },
  });
  expect(value.measured.requests).toBeGreaterThan(10);
  expect(value.measured.server_cpu_us).toBeGreaterThan(10);
  expect(value.measured.redis_cpu_us).toBeGreaterThan(0.5);
  expect(value.measured.redis_cpu_us).toBeLessThan(value.measured.server_cpu_us);
  expect(value.primaries).toBeGreaterThan(1);
  expect(value.node_bytes).toBeLessThanOrEqual(4 * 1024 ** 3);

  expect(await run("capacity", "--entities", "many", "--rps", "1")).toMatchObject({ exitCode: 2 });
  expect(await run(...ask, "--views", "nothing")).toMatchObject({ exitCode: 2 });
});

test("budgets that are met exit 0, one that is missed says so and exits 99", async () => {
  await using redis = await startRedis();
  const store = `{ type: redis, connection_string: "${redis.connectionString}", deadline: 10s }`;
  await using world = await projectOn(
    store,
    "budgets: { memory: { bytes_per_entity: 1000 }, cost: { monthly_usd: 800, entities: 5000, requests_per_second: 1 } }\n",
  );
  const { project, run, json } = world;
  expect(await json("budgets")).toMatchObject({ exitCode: 1, value: { error: { code: "SOURCE_NOT_FOUND" } } });
  await project.write("rows.ndjson", rows(500));
  expect(await run("push", "plans", "--from", "rows.ndjson")).toMatchObject({ exitCode: 0 });

  const met = await json("budgets");
  expect(met.exitCode).toBe(0);
  // Two nodes of 16 GiB at 12 dollars a GiB, two servers at 30.
  expect(met.value).toMatchObject({
    met: true,
    budgets: [
      { limit: 1000, met: true },
      { measured: 444, limit: 800, met: true },
    ],
  });
  const bytes = met.value.budgets[0].measured;
  expect(bytes).toBeGreaterThan(100);

  await project.write(
    "feature_store.yaml",
    `${YAML.replace(STORE, store)}budgets: { memory: { bytes_per_entity: ${bytes - 1} }, start: { ready_ms: 1 } }\n`,
  );
  const missed = await run("budgets");
  expect(missed.exitCode).toBe(99);
  expect(missed.said).toContain(`MISSED memory.bytes_per_entity: ${bytes} > ${bytes - 1}\n`);
  expect(missed.said).toMatch(/^MISSED start\.ready_ms: \d+ > 1$/m);
});

test("a store that is not Redis, and a yaml without such budgets, are coded errors", async () => {
  await using world = await projectOn(STORE, "budgets: { memory: { bytes_per_entity: 500 } }\n");
  expect(await world.json("budgets")).toMatchObject({ exitCode: 2, value: { error: { code: "UNSUPPORTED" } } });
  const ask = ["capacity", "--entities", "1", "--rps", "1", "--views", "plans"];
  expect(await world.json(...ask)).toMatchObject({ exitCode: 2, value: { error: { code: "UNSUPPORTED" } } });
  await using bare = await projectOn(STORE);
  expect(await bare.json("budgets")).toMatchObject({ exitCode: 2, value: { error: { code: "CONFIG_INVALID" } } });
});
