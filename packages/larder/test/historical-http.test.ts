import { readFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { startProcess, until } from "@larder/testkit";
import { type Table, tableFromIPC } from "apache-arrow";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IN_MEMORY, PLANS } from "./definitions.ts";
import { createProject, LARDER, type Project } from "./project.ts";

const PARQUET = { "content-type": "application/vnd.apache.parquet" };

/** Every type that entity rows may bring, keys past 2^53, times between and beside rows, a row without time and one without key. */
const ENTITIES = `SELECT * FROM (VALUES
  (1::BIGINT, TIMESTAMPTZ '2024-03-10 00:00:00.000001+00', true, 0.5::DOUBLE, 'a'), (1, '2024-03-12 00:00:00+00', false, NULL, ''),
  (2, '2024-03-06 00:00:00+00', NULL, 1.5, 'é'), (9007199254740993, '2024-03-06 00:00:00+00', true, 2, NULL),
  (1, NULL, true, 3, 'n'), (NULL, '2024-03-06 00:00:00+00', true, 4, 'k'), (1, '2024-03-12 00:00:00+00', false, NULL, '')
) t(customer_id, event_timestamp, churned, amount, note)`;

/** So many rows that an answer does not fit into what sockets hold. */
const MANY = 120_000;
const MANY_ENTITIES = `SELECT 1 + i % 2 AS customer_id, TIMESTAMPTZ '2024-03-12 00:00:00+00' AS event_timestamp, 'row number ' || i || repeat(' and more', 10) AS note
  FROM range(${MANY}) t(i)`;

const YAML = `${IN_MEMORY.replace("{ path: plans,", '{ path: "{tenant}/plans",')}server: { historical: { max_rows: ${MANY}, spill_limit: 100MB } }\n`;

let project: Project;
let server: { readonly url: string } & AsyncDisposable;

beforeAll(async () => {
  project = await createProject(YAML);
  await project.parquet("data/default/plans/a.parquet", PLANS);
  await project.parquet("data/acme/plans/a.parquet", PLANS.replaceAll("'more'", "'of acme'"));
  await project.parquet("entities.parquet", ENTITIES);
  await project.parquet("many.parquet", MANY_ENTITIES);
  server = await serve();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

async function serve(...options: readonly string[]) {
  const child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0", "--json", ...options], {
    cwd: project.folder,
    env: { INIT_CWD: undefined, NO_COLOR: undefined },
  });
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/, 60_000)) as { url: string };
  return { url, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

const ask = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
  fetch(`${server.url}${path}`, { method: "POST", headers, body });

async function table(response: Response): Promise<Table> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`${response.status}: ${Buffer.from(bytes)}`);
  expect(response.headers.get("content-type")).toBe("application/vnd.apache.arrow.stream");
  // The mark of a stream's end: one without it was cut.
  expect([...bytes.subarray(-8)]).toEqual([255, 255, 255, 255, 0, 0, 0, 0]);
  return tableFromIPC(bytes);
}

const schemaOf = ({ schema }: Table) => schema.fields.map(({ name, type }) => `${name}: ${type}`);
const rowsOf = (found: Table) =>
  found.toArray().map((row) => Object.entries(row.toJSON()).map(([name, value]) => `${name}=${String(value)}`));

test.each([
  ["", ["--service", "plans_v1"], "feature_service=plans_v1"],
  [
    "/t/acme",
    ["--features", "plans:plan,plans:invoices", "--tenant", "acme", "--as-of", "event_time", "--full-feature-names"],
    "features=plans:plan,plans:invoices&as_of=event_time&full_feature_names=true",
  ],
])(
  "%s/historical-features answers a Parquet body with the rows of larder training-set",
  async (prefix, options, query) => {
    const out = project.path("train.arrow");
    const built = await project.larder("training-set", "--entities", "entities.parquet", ...options, "--out", out);
    expect([built.code, built.stderr]).toEqual([0, expect.anything()]);
    const wanted = tableFromIPC(await readFile(out));
    const body = new Uint8Array(await readFile(project.path("entities.parquet")));
    const found = await table(await ask(`${prefix}/historical-features?${query}`, body, PARQUET));
    expect(schemaOf(found)).toEqual(schemaOf(wanted));
    expect(rowsOf(found)).toEqual(rowsOf(wanted));
    expect(rowsOf(found).join()).toContain(prefix === "" ? "plan=more" : "plans__plan=of acme");
  },
);

test("rows and columns in JSON answer what a file of them does, with keys past 2^53 and no features found", async () => {
  const rows = `{"customer_id": 1, "event_timestamp": "2024-03-12T01:00:00+01:00", "churned": true, "amount": 1},
    {"customer_id": "9007199254740993", "event_timestamp": "2024-03-12", "churned": null, "amount": 1.5}`;
  const columns = `{"customer_id": [1, 9007199254740993], "event_timestamp": ["2024-03-12", "2024-03-12"], "churned": [true, null], "amount": [1, 1.5]}`;
  const json = { "content-type": "application/json" };
  const byRows = await table(
    await ask("/historical-features", `{"feature_service": "plans_v1", "entity_rows": [${rows}]}`, json),
  );
  const other = await table(
    await ask("/historical-features", `{"features": ["plans:price", "plans:plan"], "entities": ${columns}}`, json),
  );
  expect(rowsOf(other)).toEqual(rowsOf(byRows));
  expect(schemaOf(other)).toEqual([
    "customer_id: Int64",
    "event_timestamp: Timestamp<MICROSECOND, UTC>",
    "churned: Bool",
    "amount: Float64",
    "price: Int64",
    "plan: Utf8",
  ]);
  expect(other.toArray().map((row) => [row.customer_id, row.churned, row.amount, row.price, row.plan])).toEqual([
    [1n, true, 1, 11n, "more"],
    [9007199254740993n, null, 1.5, null, null],
  ]);
});

test("what can't be joined is refused before the first byte, and tells no path of the server's", async () => {
  const one = (row: string) => `{"feature_service": "plans_v1", "entity_rows": [${row}]}`;
  const json = { "content-type": "application/json" };
  const tooMany = project.path("too-many.parquet");
  await project.parquet("too-many.parquet", `SELECT 1::BIGINT AS customer_id FROM range(${MANY + 1})`);
  const url = "/historical-features?feature_service=plans_v1";
  const parquet = new Uint8Array(await readFile(project.path("entities.parquet")));
  for (const [path, body, headers, status, code] of [
    ["/historical-features", one('{"customer_id": 1, "event_timestamp": "soon"}'), json, 422, "ENTITY_ROWS_INVALID"],
    [
      "/historical-features",
      one('{"customer_id": 1, "event_timestamp": "2024-03-12", "plan": 1}'),
      json,
      422,
      "FEATURE_NAME_COLLISION",
    ],
    [url, parquet.slice(0, -20), PARQUET, 422, "ENTITY_ROWS_INVALID"],
    [url, new Uint8Array(), PARQUET, 422, "ENTITY_ROWS_INVALID"],
    [url, new Uint8Array(await readFile(tooMany)), PARQUET, 413, "PAYLOAD_TOO_LARGE"],
  ] as const) {
    const response = await ask(path, body, headers);
    const answer = await response.text();
    expect([response.status, answer]).toEqual([status, expect.stringContaining(code)]);
    expect(answer).not.toMatch(/\/tmp\/|larder-entity-rows|rows\.parquet/);
  }
});

test("a reader that goes away ends the join and frees its place; until then another is told to wait", async () => {
  const body = new Uint8Array(await readFile(project.path("many.parquet")));
  const url = `${server.url}/historical-features?feature_service=plans_v1`;
  const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(url, { method: "POST", headers: PARQUET, agent: false }, resolve).on("error", reject).end(body);
  });
  expect(response.statusCode).toBe(200);
  const refused = await fetch(url, { method: "POST", headers: PARQUET, body });
  expect([refused.status, await refused.json()]).toMatchObject([429, { code: "RATE_LIMITED" }]);
  expect(await metrics()).toContain("larder_historical_joins_under_way 1\n");
  response.destroy();
  await until(90_000, "the join has ended", async () => {
    const text = await metrics();
    return (
      text.includes("larder_historical_joins_under_way 0\n") &&
      text.includes('larder_historical_joins_total{tenant="default",status="cancelled"} 1\n')
    );
  });
  const whole = await table(await fetch(url, { method: "POST", headers: PARQUET, body }));
  expect(whole.numRows).toBe(MANY);
}, 120_000);

test("a server that stops while it answers ends the join, and exits", async () => {
  await using other = await serve();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const url = `${other.url}/historical-features?feature_service=plans_v1`;
    const sent = httpRequest(url, { method: "POST", headers: PARQUET, agent: false }, resolve).on("error", reject);
    void readFile(project.path("many.parquet")).then((body) => sent.end(body));
  });
  await Promise.all([expect(text(response)).rejects.toThrow("aborted"), other[Symbol.asyncDispose]()]);
}, 120_000);
