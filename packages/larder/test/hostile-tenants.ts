import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { materialize, materializeIncremental } from "@larder/materializer";
import { type Definitions, findView, loadDefinitions, systemClock } from "@larder/schema";
import { buildApp, loadModels } from "@larder/serving";
import { createReadPlan, encodeEntityRows, openOnlineStore } from "@larder/store-core";
import { buildTrainingSet, fingerprintSource, openDuckDb } from "@larder/training-features";
import { expect } from "vitest";
import { FeatureStore } from "../src/index.ts";
import { pushRows } from "../src/push-rows.ts";
import { selectFeatures } from "../src/read-plans.ts";
import { resetRows } from "../src/reset-rows.ts";
import { viewStatuses } from "../src/view-status.ts";
import type { Project } from "./project.ts";

/** 200 bytes of UTF-8, in characters of three: in a path each byte would be three characters, more than a file's name may have. */
const LONG = `${"語".repeat(66)}ab`;

/** Tenants, each with the folder that its files lie in; undefined where no folder's name could be it. */
const TENANTS: readonly (readonly [name: string, folder: string | undefined])[] = [
  ["default", "default"],
  ["acme", "acme"],
  ["acme2", "acme2"],
  ["2", "2"],
  ["me2", "me2"],
  ["ACME", "ACME"],
  ["*", "%2A"],
  ["a*", "a%2A"],
  ["?", "%3F"],
  ["[ab]", "%5Bab%5D"],
  ["{a}", "%7Ba%7D"],
  ["{tenant}", "%7Btenant%7D"],
  ["a:b", "a%3Ab"],
  ["a", "a"],
  ["a/b", "a%2Fb"],
  [".", "%2E"],
  ["..", "%2E%2E"],
  ["../acme", "%2E%2E%2Facme"],
  ["a\0b", "a%00b"],
  ["a\nb", "a%0Ab"],
  ["%2A", "%252A"],
  ["%", "%25"],
  ["'; --", "%27%3B%20--"],
  ["😀", "%F0%9F%98%80"],
  ["__proto__", "__proto__"],
  [LONG, undefined],
];

const NAMES = TENANTS.map(([name]) => name);

/** Those whose rows come from files; the others' are pushed. Every one has its row of both sources in the offline store. */
const FROM_FILES = ["default", "acme", "*", "a*", "{a}", "..", "a/b", "a\0b", LONG];

/** An ONNX model that answers its input `amount` as `amount_out`. */
const IDENTITY =
  "CAg6YAoeCgZhbW91bnQSCmFtb3VudF9vdXQiCElkZW50aXR5EgR0ZXN0WhkKBmFtb3VudBIPCg0IARIJCgMSAW4KAggBYh0KCmFtb3VudF9vdXQSDwoNCAESCQoDEgFuCgIIAUIECgAQEUIOCgphaS5vbm54Lm1sEAM=";

const yaml = (onlineStore: string): string => `project: shared
online_store: ${onlineStore}
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
  - name: plans
    entity: customer
    features: [{ name: price, type: int64 }]
    source: { path: "plans/{tenant}/*.parquet", timestamp_field: event_timestamp }
  - name: bills
    entity: customer
    features: [{ name: amount, type: float32 }]
    source: { path: bills, timestamp_field: event_timestamp, tenant_column: tenant }
feature_services:
  - { name: amounts, features: ["bills:amount"] }
models:
  - { name: echo, path: echo.onnx, feature_service: amounts, prediction: { output: amount_out, name: amount } }
tenants: { ${NAMES.map((name) => `${JSON.stringify(name)}: {}`).join(", ")} }
`;

const PRICE = 1_000;
const AMOUNT = 2_000;

const values = (price: number | null, amount: number | null) => ({ price, amount });

/** What each tenant has of the one customer: its own number, in both views. A folder that no file can have holds no price. */
const loaded = TENANTS.map(([, folder], i) => values(folder === undefined ? null : PRICE + i, AMOUNT + i));

const viewsOf = (i: number) => (loaded[i]?.price === null ? ["bills"] : ["plans", "bills"]);

/** Joins: each tenant's training set has its own values, whichever way the source tells tenants apart. */
export async function tenantsNeverMeetOffline(project: Project): Promise<void> {
  const definitions = await prepare(project, "{ type: memory }");
  await using engine = await openDuckDb({ threads: 1 });
  for (const [i, tenant] of NAMES.entries()) {
    const out = project.path(`train-${i}.parquet`);
    const features = selectFeatures(definitions, { features: viewsOf(i).map((view) => FEATURES[view] ?? "") });
    const entities = project.path("labels.csv");
    await buildTrainingSet({ definitions, tenant, out, entities, features, asOf: "event_time", engine });
    const columns = viewsOf(i).map((view) => FEATURES[view]?.split(":")[1]);
    const [row] = await engine.rows(`SELECT ${columns.join()} FROM '${out}'`, { subject: { kind: "plan" } });
    expect(Object.values(row ?? {}).map(Number), tenant).toEqual(
      Object.values(loaded[i] ?? {}).filter((v) => v !== null),
    );
  }
  // Where the encoded name is longer than a file's may be, the path can lead nowhere, and says so.
  const plans = findView(definitions, "plans");
  const impossible = fingerprintSource(definitions, plans, LONG);
  await expect(impossible).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
    remedy: expect.stringContaining("tenant_column"),
  });
}

const FEATURES: Readonly<Record<string, string>> = { plans: "plans:price", bills: "bills:amount" };

async function prepare(project: Project, onlineStore: string): Promise<Definitions> {
  await project.write("feature_store.yaml", yaml(onlineStore));
  await project.write("echo.onnx", Buffer.from(IDENTITY, "base64"));
  await project.write("labels.csv", "customer_id,event_timestamp\n1,2024-06-01T00:00:00Z\n");
  await writeSources(project);
  return loadDefinitions(project.path("feature_store.yaml"), { env: {} });
}

/**
 * The same customer in tenants with hostile names, on one store and in one offline folder: every way in, out and away touches exactly the one
 * tenant it is for. `onlineStore` is the yaml's online_store.
 */
export async function tenantsNeverMeet(project: Project, onlineStore: string): Promise<void> {
  const definitions = await prepare(project, onlineStore);
  const clock = systemClock;
  await using store = await openOnlineStore(definitions, { clock });
  const parts = { definitions, store, clock };
  const plan = createReadPlan(definitions, selectFeatures(definitions, { features: ["plans:price", "bills:amount"] }), {
    fullFeatureNames: false,
  });
  const read = async (tenant: string) => {
    const batch = await store.read(plan, encodeEntityRows(plan, [{ customer_id: 1 }]), { tenant });
    const price = batch.value(0, 0);
    return values(price === null ? null : Number(price), batch.value(0, 1) as number | null);
  };
  const all = async () => Promise.all(NAMES.map(read));

  // Into the online store, tenant by tenant: the others stay as they are.
  const window = { start: Date.UTC(2024, 0, 1) * 1000, end: Date.UTC(2024, 2, 1) * 1000 };
  for (const [i, tenant] of NAMES.entries()) {
    if (FROM_FILES.includes(tenant)) {
      const report = await materialize(parts, { ...window, tenant, views: viewsOf(i) });
      expect(report.totals, tenant).toMatchObject({ rows: viewsOf(i).length, applied: viewsOf(i).length });
    } else {
      for (const view of viewsOf(i)) {
        const row = { customer_id: 1, ...loaded[i], event_timestamp: "2024-02-01T00:00:00Z" };
        await pushRows(store, findView(definitions, view), [row], { tenant });
      }
    }
    expect(await all()).toEqual(loaded.map((one, at) => (at <= i ? one : values(null, null))));
  }
  const statuses = await viewStatuses(parts);
  expect(statuses.map(({ rows }) => rows)).toEqual([
    ...loaded.map(({ price }) => (price === null ? 0 : 1)),
    ...loaded.map(() => 1),
  ]);

  // Over HTTP, by header; and through a facade of one tenant's own.
  await using models = await loadModels(definitions);
  const app = await buildApp({ definitions, store, models, clock });
  try {
    for (const [i, tenant] of NAMES.entries()) {
      const headers = { "x-larder-tenant": encodeURIComponent(tenant) };
      const features = { features: ["plans:price", "bills:amount"], entities: { customer_id: [1] } };
      const got = await app.inject({ method: "POST", url: "/get-online-features", headers, payload: features });
      const [, price, amount] = (got.json() as { results: { values: unknown[] }[] }).results.map(
        (one) => one.values[0],
      );
      expect({ price, amount }, tenant).toEqual(loaded[i]);
      const rows = { entity_rows: [{ customer_id: 1 }] };
      const predicted = await app.inject({ method: "POST", url: "/predict", headers, payload: rows });
      expect(predicted.json(), tenant).toMatchObject({ predictions: [{ amount: AMOUNT + i }] });
    }
  } finally {
    await app.close();
  }

  // A push reaches one.
  for (const at of [6, 10, 16]) {
    const row = { customer_id: 1, price: -at, event_timestamp: "2024-03-01T00:00:00Z" };
    await pushRows(store, findView(definitions, "plans"), [row], { tenant: NAMES[at] ?? "" });
  }
  const pushed = loaded.map((one, at) => ([6, 10, 16].includes(at) ? { ...one, price: -at } : one));
  expect(await all()).toEqual(pushed);

  // A reset counts, asks about and removes one's rows only, and an incremental run brings back that tenant's.
  for (const [i, tenant] of NAMES.entries()) {
    const count = loaded[i]?.price === null ? 1 : 2;
    const asked = resetRows(parts, { tenant, confirmed: false });
    await expect(asked).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED", facts: { rows: count } });
    expect(await resetRows(parts, { tenant, confirmed: true }), tenant).toMatchObject({ removed: count });
    expect(await all()).toEqual(pushed.map((one, at) => (at <= i ? values(null, null) : one)));
  }
  const tenant = "*";
  await materializeIncremental(parts, { end: window.end, tenant });
  expect(await all()).toEqual(loaded.map((one, at) => (NAMES[at] === tenant ? one : values(null, null))));

  // The embedded API is one tenant's.
  if (!store.capabilities.durable) return;
  for (const [name, price] of [
    ["*", loaded[6]?.price],
    ["a*", null],
  ] as const) {
    await using facade = await FeatureStore.open(project.path("feature_store.yaml"), { tenant: name, env: {} });
    const features = await facade.getOnlineFeatures({ features: ["plans:price"], entityRows: [{ customer_id: 1 }] });
    expect(features.toRows()).toEqual([{ customer_id: 1, price }]);
  }
}

/** A name of 201 bytes, and an empty one, are refused when the definitions are loaded. */
export async function refusesLongNames(project: Project): Promise<void> {
  const file = await project.write("long.yaml", yaml("{ type: memory }").replace(LONG, `${LONG}c`));
  await expect(loadDefinitions(file, { env: {} })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: expect.stringContaining("is a tenant name of 201 bytes"),
  });
}

/** Rows of the one customer, and where a name that is not encoded would lead, rows of nobody. */
async function writeSources(project: Project): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const write = async (name: string, query: string) => {
    await mkdir(dirname(project.path(name)), { recursive: true });
    await connection.run(`COPY (${query}) TO '${project.path(name).replaceAll("'", "''")}' (FORMAT parquet)`);
  };
  const row = (column: string, value: number) =>
    `SELECT 1::BIGINT AS customer_id, TIMESTAMP '2024-02-01' AS event_timestamp, ${value} AS ${column}`;
  try {
    for (const [i, [, folder]] of TENANTS.entries()) {
      if (folder !== undefined) await write(`data/plans/${folder}/part.parquet`, row("price", PRICE + i));
    }
    // What `..`, a lone star, or a slash in a name would lead to.
    const traps = [
      "data/part.parquet",
      "data/plans/part.parquet",
      "data/acme/part.parquet",
      "data/plans/a/b/part.parquet",
    ];
    for (const trap of traps) await write(trap, row("price", -1));
    const bills = NAMES.map((name, i) => `${row("amount", AMOUNT + i)}, ${sqlText(name)} AS tenant`);
    await write("data/bills/all.parquet", bills.join(" UNION ALL "));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A statement cannot hold NUL. */
function sqlText(text: string): string {
  return text
    .split("\0")
    .map((part) => `'${part.replaceAll("'", "''")}'`)
    .join(" || chr(0) || ");
}
