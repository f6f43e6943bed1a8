import { copyFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadDefinitions } from "@larder/schema";
import { buildApp, loadModels, openServedLog } from "@larder/serving";
import { openOnlineStore } from "@larder/store-core";
import { logicalClock } from "@larder/testkit";
import type { CellDifference, ConsistencyReport } from "@larder/training-features";
import { expect, test } from "vitest";
import { runCli } from "../src/cli/program.ts";
import { plainTerminal } from "./cli/plain-terminal.ts";
import { createProject, type Project } from "./project.ts";

/** Hands its input `spent_30d`, a float32, on. */
const SPEND = join(import.meta.dirname, "fixtures/spend.onnx");

const YAML = `project: shop
online_store: { type: memory }
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
  - name: orders
    entity: customer
    online_ttl: 5d
    keep_stale: 10d
    features: [{ name: spent_30d, type: float32, default: 1 }]
    source: { path: orders.parquet, timestamp_field: event_timestamp, created_timestamp_column: created, created_means: arrival, tombstone_column: gone }
feature_services:
  - { name: orders_v1, features: ["orders:spent_30d"] }
models:
  - { name: spend, path: spend.onnx, feature_service: orders_v1, on_missing: default, prediction: { output: spent_30d_out }, inputs: { spent_30d: ["orders:spent_30d"] } }
server: { served_log: { path: log, sample: 1 } }
tenants: { default: {}, acme: {} }
`;

/** A row of the source: customer, event day of March 2024, created day, value, deleted. */
type Row = readonly [id: number, event: number, created: number, spent: number | null, gone?: boolean];

/** The same, as it is online. */
const ONLINE: readonly Row[] = [
  [1, 9, 9, 10],
  [2, 9, 9, 12.5],
  [3, 8, 8, 3],
  [4, 8, 8, 4],
  [5, 9, 9, 5],
  [8, 9, 9, 8],
  [9, 1, 1, 9],
  [10, 9, 9, null],
  [12, 9, 9, 12],
  [13, 9, 9, 13],
  [14, 8, 8, 15],
];

const OFFLINE: readonly Row[] = [
  [1, 9, 9, 10],
  [2, 9, 9, 10],
  // Arrived after the answer of 10 March.
  [3, 8, 8, 3],
  [3, 9, 11, 30],
  // Had arrived, and was not online.
  [4, 8, 8, 4],
  [4, 9, 9, 40],
  [6, 9, 9, 6],
  [8, 9, 9, 80],
  [9, 1, 1, 9],
  [10, 9, 9, null],
  [11, 9, 9, 11, true],
  [12, 8, 8, 12],
  [12, 9, 9, null, true],
  // In the log by a value that the sources have at another time only.
  [13, 9, 9, null],
  [14, 8, 8, 14],
  [14, 9, 9, 140],
];

const EXPECTED = {
  1: "match",
  2: "mismatch",
  3: "late",
  4: "behind",
  5: "missing",
  6: "extra",
  7: "match",
  8: "overridden",
  9: "match",
  10: "match",
  11: "match",
  12: "missing",
  13: "mismatch",
  14: "mismatch",
} as const;

const parquetRows = (rows: readonly Row[]) =>
  `SELECT * FROM (VALUES ${rows.map(([id, event, created, spent, gone = false]) => `(${id}::BIGINT, TIMESTAMP '2024-03-0${event}'::TIMESTAMP, TIMESTAMP '2024-03-${String(created).padStart(2, "0")}'::TIMESTAMP, ${spent ?? "NULL"}::FLOAT, ${gone})`)}) t(customer_id, event_timestamp, created, spent_30d, gone)`;

/** Serves every customer once at noon of 10 March, and ends. */
async function serveOnce(project: Project, tenant = "default"): Promise<void> {
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  const clock = logicalClock(Date.UTC(2024, 2, 10, 12) * 1000);
  const problems: unknown[] = [];
  await using opened = new AsyncDisposableStack();
  const store = await openOnlineStore(definitions, { clock });
  opened.defer(() => store.close());
  const models = opened.use(await loadModels(definitions));
  const config = definitions.server.servedLog;
  if (config === undefined) throw new Error("no log");
  const servedLog = await openServedLog(config, {
    definitions,
    store,
    clock,
    onProblem: (problem) => problems.push(problem),
  });
  const app = await buildApp({ definitions, store, models, clock, servedLog });
  opened.defer(() => app.close());
  const post = (url: string, body: object) =>
    app.inject({ method: "POST", url, body, headers: { "x-larder-tenant": tenant } });
  for (const [id, event, created, spent] of ONLINE) {
    const time = (day: number) => `2024-03-0${day}T00:00:00Z`;
    const df = { customer_id: [id], event_timestamp: [time(event)], created: [time(created)], spent_30d: [spent] };
    expect((await post("/write-to-online-store", { feature_view_name: "orders", df })).body).not.toContain("error");
  }
  const entity_rows = Object.keys(EXPECTED).map((id) => ({
    customer_id: Number(id),
    ...(id === "8" ? { overrides: { "orders:spent_30d": 1.5 } } : {}),
  }));
  expect((await post("/predict", { entity_rows })).statusCode).toBe(200);
  await servedLog.close();
  expect(problems).toEqual([]);
}

async function consistency(project: Project, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli(["consistency", "--log", "log", ...args], terminal);
  return { code, said: terminal.said, talked: terminal.talked };
}

test("every planted difference between log and sources gets its verdict, with its error, an example and the exit code", async () => {
  await using project = await createProject(YAML);
  await copyFile(SPEND, project.path("spend.onnx"));
  await project.parquet("data/orders.parquet", parquetRows(OFFLINE));
  await serveOnce(project);
  const { code, said } = await consistency(project, "--json");
  expect(code).toBe(1);
  const report = JSON.parse(said) as ConsistencyReport;
  const [feature] = report.features;
  const counted: Record<string, number> = { degraded: 0 };
  for (const verdict of Object.values(EXPECTED)) counted[verdict] = (counted[verdict] ?? 0) + 1;
  expect(feature).toMatchObject({ tenant: "default", model: "spend", feature: "orders:spent_30d", rows: 14 });
  expect(feature?.verdicts).toEqual(counted);
  expect(feature).toMatchObject({ max_abs_error: 125, max_rel_error: 125 / 140 });
  expect(feature?.examples.map(({ verdict, entity }) => [verdict, entity["customer_id"]])).toEqual([
    ["mismatch", "2"],
    ["mismatch", "13"],
    ["mismatch", "14"],
  ]);
  expect(feature?.examples[0]).toMatchObject({
    served_at: "2024-03-10T12:00:00.000000Z",
    logged: "12.5",
    offline: "10.0",
    logged_status: "PRESENT",
  } satisfies Partial<CellDifference>);
  const text = await consistency(project);
  expect(text.said).toMatch(/^14 rows of 1 file: not consistent$/m);
  expect(text.said).toMatch(/^mismatch orders:spent_30d of customer_id "2" at .* logged "12.5", offline "10.0"$/m);
});

test("what is explained is consistent, tenants are told apart, and what cannot be compared is said", async () => {
  await using project = await createProject(YAML.replace("tombstone_column: gone", "tenant_column: tenant"));
  await copyFile(SPEND, project.path("spend.onnx"));
  const agreed = ONLINE.map(([id, event, created, spent]): Row => [id, event, created, spent]);
  const rows = `SELECT * EXCLUDE (gone), 'acme' AS tenant FROM (${parquetRows(agreed)})`;
  await project.parquet("data/orders.parquet", rows);
  await serveOnce(project, "acme");
  const fine = await consistency(project, "--json");
  expect(fine.code).toBe(0);
  expect(JSON.parse(fine.said)).toMatchObject({ consistent: true, rows: 14, features: [{ tenant: "acme" }] });
  const other = JSON.parse((await consistency(project, "--tenant", "default", "--json")).said);
  expect(other).toMatchObject({ consistent: true, rows: 0, features: [] });

  await project.write("feature_store.yaml", YAML.replace("type: float32, default: 1", "type: float64, default: 1"));
  expect((await consistency(project)).said).toMatch(
    /^note: orders:spent_30d is of another type by now: not compared\.$/m,
  );
  await project.write("feature_store.yaml", YAML.replace("project: shop", "project: other"));
  expect((await consistency(project)).said).toMatch(/^note: 1 files are of project "shop"/m);
});

test("a folder that is none, a file that is no log, a tenant that nobody declared: coded errors", async () => {
  await using project = await createProject(YAML);
  await copyFile(SPEND, project.path("spend.onnx"));
  const none = await consistency(project);
  expect([none.code, none.talked]).toEqual([1, expect.stringContaining("error SOURCE_NOT_FOUND: ")]);
  await project.parquet("log/other.parquet", "SELECT 1 AS a");
  expect((await consistency(project)).talked).toContain("error SOURCE_MISMATCH: ");
  expect((await consistency(project, "--tenant", "nobody")).talked).toContain("error UNKNOWN_TENANT: ");
  await rm(project.path("log"), { recursive: true });
  await writeFile(project.path("log"), "no folder");
  expect((await consistency(project)).talked).toContain("error SOURCE_NOT_FOUND: ");
});
