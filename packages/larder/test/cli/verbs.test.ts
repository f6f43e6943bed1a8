import { readFile } from "node:fs/promises";
import { runProcess } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { LATE, PLANS, YAML } from "../definitions.ts";
import { createProject, LARDER, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

let project: Project;
beforeAll(async () => {
  project = await createProject();
  await project.parquet("data/plans/a.parquet", PLANS);
});
afterAll(() => project[Symbol.asyncDispose]());

/** The same without a process of its own, for what does not need one. */
async function inProcess(...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli(args, terminal);
  return { code, stdout: terminal.said, stderr: terminal.talked };
}

async function value(...args: readonly string[]): Promise<unknown> {
  return JSON.parse((await inProcess(...args, "--json")).stdout);
}

const GET = ["get", "--features", "plans:price,plans:plan", "--entity"];

test("validate says what the yaml defines", async () => {
  const { code, stdout, stderr } = await project.larder("validate", "--tenant", "acme");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(`valid: project shop, online store sqlite
  entities: customer, outlet
  feature_views: plans, sales
  feature_services: plans_v1
  models: none
  tenants: default, acme
`);
  const views = ["plans", "sales"];
  expect(await value("validate")).toMatchObject({ valid: true, project: "shop", feature_views: views, notices: [] });
});

test("materialize, get, training-set and reset: from Parquet to an answer, and away again", async () => {
  const first = await project.json("materialize", "2024-03-01", "2024-04-01");
  expect(first).toMatchObject({
    code: 0,
    value: {
      start: "2024-03-01T00:00:00.000000Z",
      views: [{ view: "plans", rows: 2, applied: 2, refused: 0, position: "2024-04-01T00:00:00.000000Z" }],
      totals: { rows: 2, applied: 2 },
    },
  });
  const again = await inProcess("materialize", "2024-03-01", "2024-04-01", "--view", "plans");
  expect(again.stdout).toMatch(/^plans +2 +0 +2 +0 +0 +0 +0 +0$/m);

  expect(await value(...GET, "customer_id=1")).toEqual({
    entity: { customer_id: "1" },
    features: [
      { name: "price", value: 11, status: "PRESENT", event_timestamp: "2024-03-10T00:00:00.000001Z" },
      { name: "plan", value: "more", status: "PRESENT", event_timestamp: "2024-03-10T00:00:00.000001Z" },
    ],
    degraded: false,
  });

  await project.parquet(
    "labels.parquet",
    "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2024-03-10 12:00:00' AS event_timestamp",
  );
  const build = ["training-set", "--entities", "labels.parquet", "--service", "plans_v1", "--out", "train.parquet"];
  const built = await value(...build);
  const view = { name: "plans", rule: "bitemporal", matched: { event_time: 1, bitemporal: 1 } };
  expect(built).toMatchObject({ rows: 1, out: project.path("train.parquet"), views: [view] });
  expect((await readFile(project.path("train.parquet"))).length).toBeGreaterThan(100);
  const query = "SELECT * FROM 'labels.parquet' ORDER BY customer_id";
  const asked = ["training-set", "--entities-sql", query, "--service", "plans_v1", "--out", "asked.csv"];
  expect(await value(...asked)).toMatchObject({ rows: 1, out: project.path("asked.csv"), views: [view] });
  expect(await readFile(project.path("asked.csv"), "utf8")).toMatch(/^customer_id,event_timestamp,price,plan\n1,/);
  const weaker = await inProcess(...build, "--as-of", "event_time", "--full-feature-names");
  expect(weaker.stdout).toMatch(/^plans +event_time +1 \(100 %\) +1 \(100 %\)$/m);

  const refused = await inProcess("reset", "--tenant", "default");
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("would remove 2 rows")]);
  const one = ["reset", "--tenant", "default", "--view", "plans", "--entity", "customer_id=1", "--yes"];
  expect(await value(...one)).toMatchObject({ removed: 1 });
  expect((await inProcess(...GET, "customer_id=1")).stdout).toContain("NOT_FOUND");
  expect((await inProcess("reset", "--tenant", "default", "--yes")).stdout).toBe("removed 1 row of tenant default\n");
});

test("materialize-incremental goes on where the last run ended, finds what came late, and warns of rows past their TTL", async () => {
  await using own = await createProject(YAML.replace("online_ttl: 3650d", "online_ttl: none"));
  await own.parquet("data/plans/a.parquet", PLANS);
  const incremental = async (...args: readonly string[]) => {
    const terminal = plainTerminal(undefined, own.folder);
    expect(await runCli(["materialize-incremental", ...args], terminal)).toBe(0);
    return terminal.said;
  };
  expect(JSON.parse(await incremental("2024-03-06", "--view", "plans", "--json"))).toMatchObject({
    views: [{ view: "plans", rows: 2, applied: 2, position: "2024-03-06T00:00:00.000000Z" }],
    warnings: [],
  });
  await own.parquet("data/plans/b.parquet", LATE);
  expect(await incremental("2024-04-01", "--lookback", "2d")).toMatch(/^plans +2 +2 +0 +0 +0 +0 +0 +0$/m);
  const got = await own.json(...GET, "customer_id=2");
  expect(got.value).toMatchObject({ features: [{ value: 22 }, { value: "late" }] });

  await own.write("feature_store.yaml", YAML.replace("online_ttl: 3650d", "online_ttl: 1d"));
  const old = plainTerminal(undefined, own.folder);
  expect(await runCli(["materialize", "2024-03-01", "2024-04-01"], old)).toBe(0);
  expect(old.said).toContain('warning: 2 of 2 rows of view "plans" (100 %) are past their TTL of 1d');
});

test("push takes NDJSON and Parquet, exact beyond 2^53, for one tenant", async () => {
  const big = "9007199254740993";
  const row = (id: string, more = "") =>
    `{"customer_id": ${id}, "price": ${big}, "plan": "ü", "invoices": [${big}], "event_timestamp": "2024-01-01"${more}}`;
  await project.write("rows.ndjson", `\ufeff${row(big)}\r\n\n${row("-1", ', "note": 1')}`);
  const pushed = await value("push", "plans", "--from", "rows.ndjson", "--tenant", "acme");
  expect(pushed).toMatchObject({ view: "plans", rows: 2, applied: 2, ignored_columns: ["note"] });
  const { stdout } = await inProcess(...GET, `customer_id=${big}`, "--tenant", "acme", "--json");
  expect(stdout).toContain(`{"name":"price","value":${big},"status":"PRESENT"`);
  expect((await inProcess(...GET, `customer_id=${big}`)).stdout).toContain("NOT_FOUND");

  await project.parquet("rows.parquet", `SELECT *, 'x' AS note FROM (${PLANS})`);
  const fromParquet = await value("push", "plans", "--from", "rows.parquet", "--tenant", "acme");
  expect(fromParquet).toMatchObject({ rows: 3, applied: 3, stale: 0, ignored_columns: ["note"] });
  const got = await value(...GET, "customer_id=1", "--tenant", "acme");
  expect(got).toMatchObject({ features: [{ value: 11, event_timestamp: "2024-03-10T00:00:00.000001Z" }, {}] });

  await project.parquet(
    "sales.parquet",
    "SELECT 'NO' AS country, 7 AS number, 1.5::FLOAT AS turnover, TIMESTAMP '2001-09-09 01:46:40' AS opened, '\\x00\\xFF'::BLOB AS logo, TIMESTAMPTZ '2024-01-01 00:00:00+02' AS event_timestamp",
  );
  expect(await value("push", "sales", "--from", "sales.parquet")).toMatchObject({ rows: 1, applied: 1 });
  const sales = [
    "get",
    "--features",
    "sales:turnover,sales:opened,sales:logo",
    "--entity",
    "country=NO",
    "--entity",
    "number=7",
  ];
  expect(await value(...sales)).toMatchObject({
    entity: { country: "NO", number: 7 },
    features: [{ value: 1.5 }, { value: 1e9, event_timestamp: "2023-12-31T22:00:00.000000Z" }, { value: "AP8=" }],
  });
});

test("materialize exits 1 when it refused a row, and says which and why", async () => {
  await using ahead = await createProject();
  await ahead.parquet(
    "data/plans/a.parquet",
    `SELECT * REPLACE (TIMESTAMP '2200-01-01' AS event_timestamp) FROM (${PLANS}) WHERE customer_id = 2`,
  );
  await ahead.parquet("data/plans/b.parquet", `${PLANS} WHERE customer_id = 1`);
  const terminal = plainTerminal(undefined, ahead.folder);
  expect(await runCli(["materialize", "2024-01-01", "2201-01-01"], terminal)).toBe(1);
  expect(terminal.said).toMatch(/^plans +2 +1 +0 +0 +0 +1 +0 +0$/m);
  expect(terminal.said).toContain("1 rows were refused");
  expect(terminal.said).toMatch(/plans customer_id=2: event_timestamp: is \d+ s ahead of the clock/);
});

test("paths count from where the user stands, which npm tells by INIT_CWD", async () => {
  const args = [...LARDER, "validate", "-f", "../feature_store.yaml", "--json"];
  const child = await runProcess(process.execPath, args, { cwd: "/", env: { INIT_CWD: project.path("data") } });
  expect(JSON.parse(child.stdout)).toMatchObject({ file: project.path("feature_store.yaml") });
});

test("an error in a process of its own: exit code, one JSON object on stdout with --json, talk on stderr without", async () => {
  const json = await project.larder("get", "--service", "v9", "--json");
  expect([json.code, JSON.parse(json.stdout), json.stderr]).toMatchObject([
    2,
    { error: { code: "UNKNOWN_SERVICE" } },
    "",
  ]);
  const text = await project.larder("get", "--service", "v9");
  expect(text).toMatchObject({
    code: 2,
    stdout: "",
    stderr: 'error UNKNOWN_SERVICE: There is no feature service "v9".\nremedy: Use one of: plans_v1.\n',
  });
});

test("a reader that goes away is no failure", async () => {
  const script = `${[process.execPath, ...LARDER].map((part) => `'${part}'`).join(" ")} validate | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await runProcess("bash", ["-c", script], {
    cwd: project.folder,
    env: { INIT_CWD: undefined },
  });
  expect([stdout, stderr]).toEqual(["0\n", ""]);
});
