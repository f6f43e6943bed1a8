import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { ProcessResult } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GoldenRow, readGolden, TOLERANCE } from "../src/golden.ts";
import { type History, makeHistory } from "../src/history.ts";
import { readTelco } from "../src/telco.ts";
import { columnValue, type PublishedRow, VIEWS } from "../src/views.ts";
import { type ChurnFolder, churnFolder } from "./churn-folder.ts";
import { churnServer, post } from "./churn-server.ts";

const EXAMPLE = join(import.meta.dirname, "..");
const DAY = 86_400_000;
const MADE_BY_HAND = 900_001;

const today = new Date();
const asOf = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), 1));
const yearBefore = new Date(Date.UTC(today.getUTCFullYear() - 1, today.getUTCMonth(), 1));
const window = [yearBefore.toISOString(), asOf.toISOString()];

let folder: ChurnFolder;
let golden: readonly GoldenRow[];
let firstLoad: unknown;
let server: Awaited<ReturnType<ChurnFolder["serve"]>>;

beforeAll(async () => {
  golden = await readGolden(join(EXAMPLE, "models", "golden_predictions.json"));
  folder = await churnFolder();
  succeeded(await folder.generate("--as-of", asOf.toISOString().slice(0, 10)));
  firstLoad = await materialize();
  server = await folder.serve();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** What a process printed, once it has ended well. */
function succeeded({ code, stdout, stderr }: ProcessResult): string {
  if (code !== 0) throw new Error(`exit code ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

async function materialize(): Promise<unknown> {
  return JSON.parse(succeeded(await folder.larder("materialize", ...window, "--json")));
}

async function predict(url: string, customers: readonly number[]): Promise<readonly (number | undefined)[]> {
  const body = JSON.stringify({ entity_rows: customers.map((customer_id) => ({ customer_id })) });
  const { status, text } = await post(`${url}/predict`, body);
  expect([status, text]).toEqual([200, expect.any(String)]);
  const answer: { predictions: readonly ({ churn_probability: number } | null)[] } = JSON.parse(text);
  return answer.predictions.map((prediction) => prediction?.churn_probability);
}

/** The golden rows whose prediction is not the expected one. */
function wrong(rows: readonly GoldenRow[], predictions: readonly (number | undefined)[]): readonly unknown[] {
  return rows
    .map((row, i) => ({ customer: row.customerId, expected: row.probability, predicted: predictions[i] }))
    .filter(({ expected, predicted }) => predicted === undefined || !(Math.abs(predicted - expected) <= TOLERANCE));
}

test("the definitions are valid", async () => {
  expect(JSON.parse(succeeded(await folder.larder("validate", "--json")))).toMatchObject({
    valid: true,
    notices: [],
    tenants: ["default", "acme"],
  });
});

test("golden predictions travel the whole way: Parquet, materialize, SQLite, HTTP predict", async () => {
  const latestRows = 7043 + 20;
  expect(firstLoad).toMatchObject({ totals: { rows: 3 * latestRows, applied: 3 * latestRows } });
  expect(await materialize()).toMatchObject({ totals: { duplicate: 3 * latestRows, applied: 0 } });

  const known = golden.filter((row) => row.customerId !== null);
  const byHand = golden.filter((row) => row.customerId === null);
  expect([known.length, byHand.length]).toEqual([96, 4]);
  for (const { name, columns } of VIEWS) {
    const inputs = columns.map((column) => [
      column.name,
      byHand.map((row) => (column.name === "last_invoice" ? null : row.inputs[column.name])),
    ]);
    const df = {
      customer_id: byHand.map((_, i) => MADE_BY_HAND + i),
      event_timestamp: byHand.map(() => asOf.toISOString()),
      ...Object.fromEntries(inputs),
    };
    expect(await post(`${server.url}/push`, JSON.stringify({ push_source_name: name, df }))).toMatchObject({
      status: 200,
    });
  }
  const ids = [...known.map((row) => row.customerId ?? 0), ...byHand.map((_, i) => MADE_BY_HAND + i)];
  expect(wrong([...known, ...byHand], await predict(server.url, ids))).toEqual([]);
});

test("closed accounts have no prediction, and the answer names what is missing", async () => {
  const { text } = await post(`${server.url}/predict`, JSON.stringify({ entity_rows: [{ customer_id: 7044 }] }));
  expect(JSON.parse(text)).toMatchObject({
    predictions: [null],
    errors: [{ row: 0, code: "FEATURE_MISSING" }],
    metadata: { feature_status: [{ "churn_features:contract": "NOT_FOUND" }] },
  });
});

test("predictions outlive a missed month: 60 days on, every customer's features are still there", async () => {
  const sixtyDaysOn = (today.getTime() + 60 * DAY) * 1000;
  await using later = await churnServer(folder.file, { now: () => sixtyDaysOn });
  const known = golden.filter((row) => row.customerId !== null);
  const ids = known.map((row) => row.customerId ?? 0);
  expect(wrong(known, await predict(later.url, ids))).toEqual([]);
  const { text } = await post(
    `${later.url}/get-online-features`,
    JSON.stringify({ feature_service: "churn_v1", entities: { customer_id: ids } }),
  );
  const answer: { results: readonly { statuses: readonly string[] }[] } = JSON.parse(text);
  const statuses = answer.results.flatMap((column) => column.statuses);
  expect(new Set(statuses)).toEqual(new Set(["PRESENT", "NULL_VALUE"]));
  expect(statuses.filter((status) => status === "NULL_VALUE")).toHaveLength(11);
});

test("the training set holds what was known at each label's time, and nothing later", async () => {
  const training = ["--entities", "data/labels.parquet", "--service", "churn_v1", "--out", "train.parquet"];
  succeeded(await folder.larder("training-set", ...training));
  const history = makeHistory(await readTelco(join(EXAMPLE, "data", "telco_churn.csv")), 1, asOf);
  const rows = await readTrainingSet(join(folder.path, "train.parquet"));
  expect(rows.length).toBe(history.labels.length);

  const expected = knownAt(history);
  const odd: unknown[] = [];
  let leaks = 0;
  for (const [i, label] of history.labels.entries()) {
    const row = rows[i] ?? {};
    for (const view of VIEWS) {
      const winner = expected(view.name, label.customerId, label.eventTime, (one) => one.created);
      const leaking = expected(view.name, label.customerId, label.eventTime, (one) => one.eventTime);
      if (winner !== leaking) leaks++;
      for (const column of view.columns) {
        if (column.name === "last_invoice") continue;
        const value = winner === undefined ? null : columnValue(column, winner);
        const wanted = typeof value === "number" ? Math.fround(value) : value;
        if (row[column.name] !== wanted) odd.push({ label, column: column.name, wanted, found: row[column.name] });
      }
    }
    if (row["churn"] !== label.churn) odd.push({ label, found: row["churn"] });
  }
  expect(odd.slice(0, 3)).toEqual([]);
  // Without late rows between event and label the test would prove nothing.
  expect(leaks).toBeGreaterThan(500);
});

/** The rule of a join, row by row: the latest row that was known by a time, unless it is older than the views' ttl. */
function knownAt(history: History) {
  const byCustomer = new Map(
    [...history.rows].map(([view, rows]) => [view, Map.groupBy(rows, (row) => row.customerId)]),
  );
  return (
    view: (typeof VIEWS)[number]["name"],
    customer: number,
    time: number,
    known: (row: PublishedRow) => number,
  ): PublishedRow | undefined => {
    const rows = byCustomer.get(view)?.get(customer) ?? [];
    const [winner] = rows
      .filter((row) => known(row) <= time)
      .toSorted((a, b) => b.eventTime - a.eventTime || b.created - a.created);
    return winner !== undefined && winner.eventTime >= time - 45 * DAY ? winner : undefined;
  };
}

async function readTrainingSet(file: string): Promise<readonly Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll("SELECT * FROM read_parquet($file)", { file })).getRowObjectsJS();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
