import { createServer } from "node:net";
import { loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { IN_MEMORY, PLANS, YAML } from "../definitions.ts";
import { createProject, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

const ROW = '{"customer_id": 1, "price": 1, "plan": "a", "invoices": [], "event_timestamp": "2024-01-01"';
const WINDOW = ["2024-01-01", "2024-04-01"];
/** A read needs no store of its own to be refused. */
const GET = ["get", "-f", "memory.yaml"];
let project: Project;
let busy: { readonly port: number; close(): Promise<void> };

beforeAll(async () => {
  project = await createProject();
  const parquet = await project.parquet("data/plans/a.parquet", PLANS);
  const whole = await (await import("node:fs/promises")).readFile(parquet);
  await project.write("cut.parquet", whole.subarray(0, whole.length - 100));
  await project.write("broken/plans/cut.parquet", whole.subarray(0, whole.length / 2));
  await project.parquet("typed/plans/a.parquet", `SELECT * REPLACE (CAST(price AS VARCHAR) AS price) FROM (${PLANS})`);
  await project.parquet("half.parquet", `SELECT * REPLACE (1.5 AS price) FROM (${PLANS})`);
  await project.parquet("labels.parquet", "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2024-03-03' AS event_timestamp");
  const files = {
    "broken.yaml": YAML.replace("path: data", "path: broken"),
    "typed.yaml": YAML.replace("path: data", "path: typed"),
    "empty.yaml": YAML.replace("path: data", "path: nowhere"),
    "wrong.yaml": `${YAML}colour: red\n`,
    "nowhere.yaml": YAML.replace("online/store.db", "feature_store.yaml/store.db"),
    "newer.yaml": YAML.replace("online/store.db", "online/newer.db"),
    "memory.yaml": IN_MEMORY,
    "model.yaml": `${YAML}models:\n  - { name: m, path: m.onnx, feature_service: plans_v1, prediction: { name: p, output: o } }\n`,
    "json.ndjson": `${ROW}}\n{"customer_id": 2,\n`,
    "latin1.ndjson": Buffer.from(`${ROW}}\n${ROW}, "plan": "\u00e9"}\n`, "latin1"),
    "type.ndjson": `${ROW}}\n\n${ROW.replace('"price": 1', '"price": 1.5')}}\n`,
    "key.ndjson": `${ROW.replace('"customer_id": 1, ', "")}}\n`,
    "int64.ndjson": `${ROW.replace('"price": 1', '"price": 9223372036854775808')}}\n`,
    "year.ndjson": `${ROW.replace("2024-01-01", "+050000-01-01")}}\n`,
    "ahead.ndjson": `${ROW.replace("2024-01-01", "2200-01-01")}}\n`,
    "twice.ndjson": `${ROW}, "price": 2}\n`,
    "list.ndjson": "[1]\n",
    "rows.txt": `${ROW}}\n`,
  };
  for (const [name, content] of Object.entries(files)) await project.write(name, content);
  await makeNewer();
  busy = await listen();
});

afterAll(async () => {
  await busy.close();
  await project[Symbol.asyncDispose]();
});

test.each<[string, string[], string, 1 | 2, string]>([
  ["an unknown key", ["validate", "-f", "wrong.yaml"], "CONFIG_INVALID", 2, "wrong.yaml:22:1"],
  ["a missing yaml", ["validate", "-f", "no.yaml"], "CONFIG_UNREADABLE", 2, "no.yaml"],
  ["an unknown tenant", ["validate", "--tenant", "nobody"], "UNKNOWN_TENANT", 2, "default, acme"],

  ["an unknown view", ["materialize", ...WINDOW, "--view", "plan"], "UNKNOWN_VIEW", 2, "plans, sales"],
  ["an unknown tenant", ["materialize", ...WINDOW, "--tenant", "nobody"], "UNKNOWN_TENANT", 2, "nobody"],
  ["a bad time", ["materialize", "yesterday", "2024-01-01"], "USAGE", 2, "START"],
  ["an empty window", ["materialize", "2024-02-01", "2024-01-01"], "INVALID_REQUEST", 2, "START before END"],
  ["a bad end", ["materialize-incremental", "yesterday"], "USAGE", 2, "END"],
  ["a bad lookback", ["materialize-incremental", "2024-02-01", "--lookback", "long"], "USAGE", 2, "--lookback"],
  ["an end before all that is kept", ["materialize-incremental", "1999-01-01"], "INVALID_REQUEST", 2, "TTL"],
  ["a view without source", ["materialize", ...WINDOW, "--view", "sales"], "SOURCE_NOT_FOUND", 1, "sales"],
  ["no Parquet file", ["materialize", ...WINDOW, "-f", "empty.yaml"], "SOURCE_NOT_FOUND", 1, "plans"],
  ["truncated Parquet", ["materialize", ...WINDOW, "-f", "broken.yaml"], "SOURCE_UNREADABLE", 1, "cut.parquet"],
  ["a column of the wrong type", ["materialize", ...WINDOW, "-f", "typed.yaml"], "SOURCE_MISMATCH", 1, "price"],
  [
    "a store path that cannot be",
    ["materialize", ...WINDOW, "-f", "nowhere.yaml"],
    "STORE_MISCONFIGURED",
    1,
    "store.db",
  ],
  ["a store of a newer format", ["materialize", ...WINDOW, "-f", "newer.yaml"], "STORE_FORMAT_NEWER", 1, "Upgrade"],

  ["an unknown view", ["push", "plan", "--from", "rows.ndjson"], "UNKNOWN_VIEW", 2, "plans, sales"],
  ["a missing file", ["push", "plans", "--from", "no.ndjson"], "SOURCE_NOT_FOUND", 1, "no.ndjson"],
  ["a folder", ["push", "plans", "--from", "data"], "USAGE", 2, "format"],
  ["another format", ["push", "plans", "--from", "rows.txt"], "USAGE", 2, ".ndjson or .parquet"],
  ["a truncated line", ["push", "plans", "--from", "json.ndjson"], "INVALID_ROWS", 1, "line 2"],
  ["invalid UTF-8", ["push", "plans", "--from", "latin1.ndjson"], "INVALID_ROWS", 1, "line 2"],
  ["a wrong type", ["push", "plans", "--from", "type.ndjson"], "INVALID_ROWS", 1, "line 3: price: is 1.5"],
  ["a missing join key", ["push", "plans", "--from", "key.ndjson"], "INVALID_ROWS", 1, "line 1: customer_id"],
  ["a number beyond int64", ["push", "plans", "--from", "int64.ndjson"], "INVALID_ROWS", 1, "beyond int64"],
  ["a year out of range", ["push", "plans", "--from", "year.ndjson"], "INVALID_ROWS", 1, "1684 to 2255"],
  ["a time far ahead", ["push", "plans", "--from", "ahead.ndjson"], "INVALID_ROWS", 1, "ahead of the clock"],
  ["a key twice", ["push", "plans", "--from", "twice.ndjson"], "INVALID_ROWS", 1, "line 1"],
  ["no object", ["push", "plans", "--from", "list.ndjson"], "INVALID_ROWS", 1, "no JSON object"],
  ["truncated Parquet", ["push", "plans", "--from", "cut.parquet"], "SOURCE_UNREADABLE", 1, "cut.parquet"],
  ["Parquet values of no int64", ["push", "plans", "--from", "half.parquet"], "SOURCE_MISMATCH", 1, "price"],
  ["Parquet of other columns", ["push", "plans", "--from", "labels.parquet"], "SOURCE_MISMATCH", 1, "is missing"],

  ["an unknown view", [...GET, "--features", "plan:price"], "UNKNOWN_VIEW", 2, "plans, sales"],
  ["an unknown feature", [...GET, "--features", "plans:prize"], "UNKNOWN_FEATURE", 2, "price, plan"],
  ["an unknown service", [...GET, "--service", "v9"], "UNKNOWN_SERVICE", 2, "plans_v1"],
  ["no feature reference", [...GET, "--features", "plans"], "INVALID_REQUEST", 2, "view:feature"],
  ["neither features nor service", [...GET, "--entity", "customer_id=1"], "INVALID_REQUEST", 2, "feature service"],
  ["no entity", [...GET, "--service", "plans_v1"], "INVALID_REQUEST", 2, "customer_id"],
  ["no pair", [...GET, "--service", "plans_v1", "--entity", "1"], "USAGE", 2, "--entity customer_id=…"],
  ["an unknown join key", [...GET, "--service", "plans_v1", "--entity", "id=1"], "USAGE", 2, "--entity customer_id=…"],
  [
    "a key of the wrong type",
    [...GET, "--service", "plans_v1", "--entity", "customer_id=x"],
    "INVALID_REQUEST",
    2,
    "customer_id",
  ],
  ["part of a key", [...GET, "--features", "sales:logo", "--entity", "number=7"], "INVALID_REQUEST", 2, "country"],

  [
    "an unknown service",
    ["training-set", "--entities", "labels.parquet", "--service", "v9", "--out", "t.parquet"],
    "UNKNOWN_SERVICE",
    2,
    "plans_v1",
  ],
  [
    "no entity rows",
    ["training-set", "--service", "plans_v1", "--out", "t.parquet"],
    "INVALID_REQUEST",
    2,
    "--entities",
  ],
  [
    "entity rows by a query that is none",
    ["training-set", "--entities-sql", "SELEKT 1", "--service", "plans_v1", "--out", "t.parquet"],
    "ENTITY_ROWS_INVALID",
    1,
    "query",
  ],
  [
    "missing entity rows",
    ["training-set", "--entities", "no.parquet", "--service", "plans_v1", "--out", "t.parquet"],
    "ENTITY_ROWS_INVALID",
    1,
    "no.parquet",
  ],
  [
    "truncated entity rows",
    ["training-set", "--entities", "cut.parquet", "--service", "plans_v1", "--out", "t.parquet"],
    "ENTITY_ROWS_INVALID",
    1,
    "cut.parquet",
  ],
  [
    "another rule",
    ["training-set", "--entities", "labels.parquet", "--service", "plans_v1", "--out", "t.parquet", "--as-of", "now"],
    "INVALID_REQUEST",
    2,
    "event_time",
  ],
  [
    "a folder that is not there",
    ["training-set", "--entities", "labels.parquet", "--service", "plans_v1", "--out", "no/t.parquet"],
    "OUTPUT_UNWRITABLE",
    1,
    "t.parquet",
  ],

  ["an open address", ["serve", "--host", "0.0.0.0"], "UNSAFE_LISTEN", 2, "auth: none"],
  ["a tenant that is not there", ["serve", "--port", "0", "--tenant", "nobody"], "UNKNOWN_TENANT", 2, "nobody"],
  ["no port", ["serve", "--port", "http"], "USAGE", 2, "http"],
  ["a model that is not there", ["serve", "--port", "0", "-f", "model.yaml"], "MODEL_UNREADABLE", 1, "m.onnx"],

  ["no --yes", ["reset", "--tenant", "default"], "CONFIRMATION_REQUIRED", 2, "--yes"],
  ["no tenant", ["reset", "--yes"], "USAGE", 2, "--tenant"],
  ["an unknown tenant", ["reset", "--tenant", "nobody", "--yes"], "UNKNOWN_TENANT", 2, "nobody"],
  ["an unknown view", ["reset", "--tenant", "acme", "--view", "plan", "--yes"], "UNKNOWN_VIEW", 2, "plans, sales"],
  [
    "an entity of another view",
    ["reset", "--tenant", "acme", "--view", "sales", "--entity", "customer_id=1", "--yes"],
    "INVALID_REQUEST",
    2,
    "country, number",
  ],
])("%s: larder %j says %s", async (_, args, code, exitCode, words) => {
  const terminal = plainTerminal(undefined, project.folder);
  const exit = await runCli(args, terminal);
  expect([exit, terminal.talked.match(/^error (\w+)/)?.[1]], terminal.talked).toEqual([exitCode, code]);
  expect(terminal.talked).toContain(words);
  expect(terminal.talked).toMatch(/^remedy: \S/m);
  expect(terminal.talked).not.toMatch(/^\s+at /m);
  expect(terminal.said).toBe("");
});

test("a port in use", async () => {
  const terminal = plainTerminal(undefined, project.folder);
  expect(await runCli(["serve", "--port", String(busy.port), "--json"], terminal)).toBe(1);
  expect(JSON.parse(terminal.said)).toMatchObject({ error: { code: "PORT_IN_USE", facts: { port: busy.port } } });
});

test("after all of this nothing was written", async () => {
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  for (const tenant of definitions.tenants.keys()) {
    for await (const row of store.scan({ tenant }, { tenant })) expect(row).toBeUndefined();
  }
  const { readdir } = await import("node:fs/promises");
  expect((await readdir(project.folder)).filter((name) => name.startsWith("t."))).toEqual([]);
});

/** A store as a later Larder would leave it. */
async function makeNewer(): Promise<void> {
  const definitions = await loadDefinitions(project.path("newer.yaml"), { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const [scope, call] = [{ project: definitions.project }, { tenant: "default" }];
  const format = await store.getMeta(scope, "format", call);
  expect(await store.putMeta(scope, "format", Buffer.from("999"), format?.revision, call)).toBeDefined();
}

async function listen(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
