import { formatTime, loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { FeatureStore } from "../../src/index.ts";
import { PLANS, STORE, YAML } from "../definitions.ts";
import { createProject, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

async function run(project: Project, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli(args, terminal);
  return { code, said: terminal.said, talked: terminal.talked };
}

test("list names everything that is defined, with what it is made of", async () => {
  await using project = await createProject(
    YAML.replace("    entity: outlet", "    entity: outlet\n    description: by shop"),
  );
  const { code, said } = await run(project, "list");
  expect(code).toBe(0);
  expect(said).toMatch(/^entity +outlet +join keys country string, number int32$/m);
  expect(said).toMatch(/^feature_view +plans +join keys customer_id int64; online TTL 3650d; source plans$/m);
  expect(said).toMatch(/^feature_view +sales +join keys country string, number int32; online TTL none +by shop$/m);
  expect(said).toMatch(/^feature +plans:invoices +list<int64>$/m);
  expect(said).toMatch(/^feature_service +plans_v1 +plans:price, plans:plan$/m);
  expect(said).toMatch(/^tenant +acme$/m);
  const json = JSON.parse((await run(project, "list", "--json")).said);
  expect(json.definitions).toContainEqual({
    kind: "feature",
    name: "plans:price",
    detail: "int64",
    description: "",
    owner: "",
  });
});

test("status says per view and tenant how far, how many and how fresh", async () => {
  await using project = await createProject(
    YAML.replace("    entity: customer", "    entity: customer\n    freshness: 1h"),
  );
  await project.parquet("data/plans/a.parquet", PLANS);
  expect((await run(project, "materialize", "2024-03-01", "2024-04-01")).code).toBe(0);
  await using store = await FeatureStore.open(project.path("feature_store.yaml"), { tenant: "acme" });
  const event_timestamp = formatTime(systemClock.now());
  await store.push("plans", [{ customer_id: 1, price: 1, plan: "a", invoices: [], event_timestamp }]);

  const { code, said } = await run(project, "status");
  expect(code).toBe(0);
  const lines = said.split("\n");
  expect(lines[1]).toMatch(
    /^plans +default +2024-04-01T00:00:00.000000Z +20\d\d-\S+Z +2 +2024-03-05T.* +2024-03-10T.* +late: \d+d.* old, may be 1h$/,
  );
  expect(lines[2]).toMatch(/^plans +acme +never +never +1 .* fresh: .* old, may be 1h$/);
  expect(lines[3]).toMatch(/^sales +default +never +never +0 +no rows$/);
  expect(lines.slice(5)).toEqual([
    expect.stringMatching(
      /^warning: Feature view "plans" of tenant "default" is late: its newest row is \d+d.* old, and its freshness is 1h$/,
    ),
    "",
  ]);
  const only = JSON.parse((await run(project, "status", "--tenant", "acme", "--view", "plans", "--json")).said);
  expect(only).toMatchObject({
    project: "shop",
    warnings: [],
    views: [
      {
        view: "plans",
        tenant: "acme",
        position: null,
        rows: 1,
        deletions: 0,
        unreadable: 0,
        complete: true,
        newest: event_timestamp,
        freshness_seconds: 3600,
        state: "fresh",
      },
    ],
  });
  expect(only.views).toHaveLength(1);
  expect(await run(project, "status", "--tenant", "nobody")).toMatchObject({
    code: 2,
    talked: expect.stringContaining("UNKNOWN_TENANT"),
  });
});

test("status says unknown of the last run where an earlier version kept none, and the next run says when", async () => {
  await using project = await createProject();
  await project.parquet("data/plans/a.parquet", PLANS);
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const scope = { project: "shop", tenant: "default", view: "plans" };
  const old = Buffer.from(JSON.stringify({ start: 0, end: 1_709_251_200_000_000 }));
  await store.putMeta(scope, "position", old, undefined, { tenant: "default" });
  const status = () => run(project, "status", "--view", "plans", "--tenant", "default");
  expect((await status()).said).toMatch(/^plans +default +2024-03-01T00:00:00.000000Z +unknown +0 /m);
  expect((await run(project, "materialize", "2024-03-01", "2024-03-01")).code).toBe(0);
  expect((await status()).said).toMatch(/^plans +default +2024-03-01T00:00:00.000000Z +20\d\d-\S+Z +1 /m);
});

test("doctor warns of views that are late, and of no others", async () => {
  await using project = await createProject(
    YAML.replaceAll(/( {4}entity: .*)/g, "$1\n    freshness: 1h").replace(/^ *source: .*\n/m, ""),
  );
  await using store = await FeatureStore.open(project.path("feature_store.yaml"), { tenant: "acme" });
  await store.push("plans", [{ customer_id: 1, price: 1, plan: "a", invoices: [], event_timestamp: "2024-01-01" }]);
  const { code, said } = await run(project, "doctor", "--json");
  expect(code).toBe(0);
  const findings = JSON.parse(said).findings.filter(({ check }: { check: string }) => check.startsWith("freshness"));
  expect(findings).toMatchObject([
    {
      check: "freshness of plans",
      state: "warning",
      what: expect.stringMatching(/"plans" of tenant "acme" is late: .* and its freshness is 1h$/),
      remedy: expect.stringContaining("materialize-incremental"),
    },
    { check: "freshness of sales", state: "ok", what: "no tenant's rows are late" },
  ]);
});

test("status counts no more than 10,000 rows of a view, and says so", async () => {
  await using project = await createProject();
  await using store = await FeatureStore.open(project.path("feature_store.yaml"));
  const row = { price: 1, plan: "a", invoices: [], event_timestamp: "2024-01-01" };
  await store.push(
    "plans",
    Array.from({ length: 10_001 }, (_, customer_id) => ({ customer_id, ...row })),
  );
  const { said } = await run(project, "status", "--view", "plans", "--tenant", "default");
  expect(said).toMatch(/^plans +default +never +never +at least 10000 +2024-01-01/m);
});

test("doctor lists what is missing with remedies, and is content when nothing is", async () => {
  await using project = await createProject(`${YAML}models:
  - { name: churn, path: churn.onnx, feature_service: plans_v1, prediction: { output: p } }
`);
  const sick = await run(project, "doctor", "--json");
  expect(sick.code).toBe(1);
  const { healthy, findings } = JSON.parse(sick.said);
  expect(healthy).toBe(false);
  expect(findings).toMatchObject([
    { check: "definitions", state: "ok" },
    { check: "online store (sqlite)", state: "ok", what: expect.stringMatching(/^answers in/) },
    { check: "applied definitions", state: "warning", remedy: "Run `larder apply`" },
    { check: "offline engine", state: "ok" },
    {
      check: "source of plans",
      state: "problem",
      code: "SOURCE_NOT_FOUND",
      remedy: expect.stringContaining("Put its files there"),
    },
    { check: "model churn", state: "problem", code: "MODEL_UNREADABLE" },
  ]);

  await project.write("feature_store.yaml", YAML);
  await project.parquet("data/plans/a.parquet", PLANS);
  await run(project, "apply");
  const well = await run(project, "doctor");
  expect([well.code, well.talked]).toEqual([0, ""]);
  expect(well.said).not.toMatch(/^(warning|problem)/m);
  expect(well.said).toMatch(/^ok +applied definitions +are these$/m);
});

test("doctor finds every tenant's files, and a store that does not answer", async () => {
  const yaml = YAML.replace("path: plans,", 'path: "plans/{tenant}",').replace(
    STORE,
    '{ type: redis, connection_string: "127.0.0.1:1" }',
  );
  await using project = await createProject(yaml);
  await project.parquet("data/plans/default/a.parquet", PLANS);
  const { code, said } = await run(project, "doctor");
  expect(code).toBe(1);
  expect(said).toMatch(/^problem +online store \(redis\) .*127\.0\.0\.1:1/m);
  expect(said).toMatch(/^ok +source of plans for tenant default /m);
  expect(said).toMatch(/^problem +source of plans for tenant acme /m);
});
