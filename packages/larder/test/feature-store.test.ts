import { logicalClock } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FeatureStore, type FeatureStoreOptions } from "../src/index.ts";
import { IN_MEMORY, PLANS } from "./definitions.ts";
import { createProject, type Project } from "./project.ts";

const BIG = 2n ** 53n + 1n;
const TIME = "2024-03-01T12:00:00.000001Z";
const plan = (customer_id: unknown, price: unknown, more: Record<string, unknown> = {}) => ({
  customer_id,
  price,
  plan: "basic",
  invoices: [1, 2],
  event_timestamp: TIME,
  ...more,
});
const SELECTION = { features: ["plans:price", "plans:plan"] };

function open(project: Project, options: FeatureStoreOptions = {}): Promise<FeatureStore> {
  const clock = logicalClock(Date.UTC(2024, 3, 1) * 1000);
  return FeatureStore.open(project.path("feature_store.yaml"), { clock, env: {}, ...options });
}

test("what is pushed is read: values, statuses and times, in the order of the request, join keys as they were given", async () => {
  await using project = await createProject();
  await using store = await open(project);
  const pushed = await store.push("plans", [
    plan(1, 10),
    plan("2", null),
    plan(3n, "30", { created: new Date(0), note: 1 }),
  ]);
  expect(pushed).toMatchObject({ applied: 3, duplicate: 0, outcomes: ["applied", "applied", "applied"] });
  expect(pushed.ignoredColumns).toEqual(["note"]);
  expect((await store.push("plans", [plan(1, 10), plan(1, 9, { event_timestamp: "2024-01-01" })])).outcomes).toEqual([
    "duplicate",
    "stale",
  ]);

  const entityRows = [
    { customer_id: "3", ignored: true },
    { customer_id: 2n },
    { customer_id: 99 },
    { customer_id: "3" },
  ];
  const features = await store.getOnlineFeatures({ ...SELECTION, entityRows });
  expect(features.toDict()).toEqual({
    customer_id: ["3", 2n, 99, "3"],
    price: [30, null, null, 30],
    plan: ["basic", "basic", null, "basic"],
  });
  expect(features.toRows()[1]).toEqual({ customer_id: 2n, price: null, plan: "basic" });
  expect(features.statuses).toEqual({
    price: ["PRESENT", "NULL_VALUE", "NOT_FOUND", "PRESENT"],
    plan: ["PRESENT", "PRESENT", "NOT_FOUND", "PRESENT"],
  });
  expect(features.eventTimestamps["price"]).toEqual([TIME, TIME, null, TIME]);
  expect(features.degraded).toBe(false);
});

test("a feature service and full names give the same values under other names", async () => {
  await using project = await createProject(IN_MEMORY);
  await using store = await open(project);
  await store.push("plans", [plan(1, 10)]);
  const request = { featureService: "plans_v1", entityRows: [{ customer_id: 1 }] };
  expect((await store.getOnlineFeatures(request)).toRows()).toEqual([{ customer_id: 1, price: 10, plan: "basic" }]);
  const full = await store.getOnlineFeatures({ ...request, fullFeatureNames: true });
  expect(full.toRows()).toEqual([{ customer_id: 1, plans__price: 10, plans__plan: "basic" }]);
  expect(store.joinKeys({ featureService: "plans_v1" })).toEqual([{ name: "customer_id", type: "int64" }]);
});

test("an int64 beyond 2^53 is exact as bigint and an error as number, in lists as well", async () => {
  await using project = await createProject();
  await using numbers = await open(project);
  await numbers.push("plans", [plan(BIG, BIG, { invoices: [1, BIG] })]);
  const request = { entityRows: [{ customer_id: BIG }] };
  for (const feature of ["plans:price", "plans:invoices"]) {
    await expect(numbers.getOnlineFeatures({ ...request, features: [feature] })).rejects.toMatchObject({
      code: "UNSAFE_INTEGER",
      remedy: expect.stringContaining('int64: "bigint"'),
    });
  }
  await using bigints = await open(project, { int64: "bigint" });
  const features = await bigints.getOnlineFeatures({ ...request, features: ["plans:price", "plans:invoices"] });
  expect(features.toRows()).toEqual([{ customer_id: BIG, price: BIG, invoices: [1n, BIG] }]);
});

test("composite keys, times as Date and bigint, bytes and timestamps", async () => {
  await using project = await createProject(IN_MEMORY);
  await using store = await open(project);
  const row = { country: "NO,1", number: 7, turnover: Number.NaN, opened: 1e9, logo: new Uint8Array([0, 255]) };
  await store.push("sales", [{ ...row, event_timestamp: new Date("2024-03-01T00:00:00Z") }]);
  await store.push("sales", [{ ...row, country: "NO", event_timestamp: 1709251200000001n }]);
  const features = await store.getOnlineFeatures({
    features: ["sales:turnover", "sales:opened", "sales:logo"],
    entityRows: [
      { number: 7, country: "NO,1" },
      { number: 7, country: "NO" },
      { number: 1, country: "NO" },
    ],
  });
  expect(features.toRows()[0]).toEqual({
    country: "NO,1",
    number: 7,
    turnover: Number.NaN,
    opened: 1e9,
    logo: row.logo,
  });
  expect(features.eventTimestamps["logo"]).toEqual([
    "2024-03-01T00:00:00.000000Z",
    "2024-03-01T00:00:00.000001Z",
    null,
  ]);
});

test("values past their TTL are withheld unless they are asked for", async () => {
  await using project = await createProject(IN_MEMORY);
  const clock = logicalClock(Date.UTC(2024, 3, 1) * 1000);
  await using store = await open(project, { clock });
  await store.push("plans", [plan(1, 10)]);
  clock.set(Date.UTC(2024, 2, 1, 12) * 1000 + 2 + 3650 * 86_400_000_000);
  const request = { features: ["plans:price"], entityRows: [{ customer_id: 1 }] };
  const withheld = await store.getOnlineFeatures(request);
  expect([withheld.toRows()[0]?.["price"], withheld.statuses["price"]]).toEqual([null, ["OUTSIDE_MAX_AGE"]]);
  const stale = await store.getOnlineFeatures({ ...request, allowStale: true });
  expect([stale.toRows()[0]?.["price"], stale.statuses["price"]]).toEqual([10, ["OUTSIDE_MAX_AGE"]]);
});

test("bad rows are all named and nothing of their push is written", async () => {
  await using project = await createProject(IN_MEMORY);
  await using store = await open(project);
  const rows = [plan(1, 10), plan(2, 1.5), plan(null, 3), plan(4, 4, { event_timestamp: "2024-06-01" })];
  await expect(store.push("plans", rows.slice(0, 3))).rejects.toMatchObject({
    code: "INVALID_ROWS",
    problems: [
      { place: "row 1", field: "price" },
      { place: "row 2", field: "customer_id" },
    ],
  });
  await expect(store.push("plans", [plan(1, 10), rows[3] ?? {}])).rejects.toMatchObject({ code: "INVALID_ROWS" });
  const read = await store.getOnlineFeatures({ ...SELECTION, entityRows: [{ customer_id: 1 }] });
  expect(read.statuses["price"]).toEqual(["NOT_FOUND"]);
});

test("tenants have rows of their own", async () => {
  await using project = await createProject();
  await using store = await open(project);
  await using acme = await open(project, { tenant: "acme" });
  await acme.push("plans", [plan(1, 77)]);
  const request = { features: ["plans:price"], entityRows: [{ customer_id: 1 }] };
  expect((await store.getOnlineFeatures(request)).statuses["price"]).toEqual(["NOT_FOUND"]);
  expect((await acme.getOnlineFeatures(request)).toRows()).toEqual([{ customer_id: 1, price: 77 }]);
});

test("materialize fills the online store, getHistoricalFeatures joins, both from Parquet", async () => {
  await using project = await createProject(IN_MEMORY);
  await project.parquet("data/plans/a.parquet", PLANS);
  await using store = await open(project);
  const report = await store.materialize({ start: "2024-03-01", end: new Date("2024-04-01T00:00:00Z") });
  expect(report.views[0]).toMatchObject({ view: "plans", rows: 2, applied: 2 });
  const features = await store.getOnlineFeatures({
    ...SELECTION,
    entityRows: [{ customer_id: 1 }, { customer_id: 2 }],
  });
  expect(features.toDict()).toMatchObject({ price: [11, null], plan: ["more", null] });
  expect(features.eventTimestamps["plan"]?.[0]).toBe("2024-03-10T00:00:00.000001Z");

  const entities = await project.parquet(
    "labels.parquet",
    "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2024-03-03' AS event_timestamp, true AS churned",
  );
  const out = project.path("train.parquet");
  const built = await store.getHistoricalFeatures({ entities, featureService: "plans_v1", out });
  expect(built).toMatchObject({ out, rows: 1, manifest: { feature_service: "plans_v1", as_of: "bitemporal" } });
  await expect(
    // @ts-expect-error: callers in JavaScript are told, too
    store.getHistoricalFeatures({ entities, featureService: "plans_v1", out, asOf: "created_time" }),
  ).rejects.toMatchObject({ code: "INVALID_REQUEST" });
});

let shared: { readonly project: Project; readonly store: FeatureStore };
beforeAll(async () => {
  const project = await createProject(IN_MEMORY);
  shared = { project, store: await open(project) };
});
afterAll(async () => {
  await shared.store.close();
  await shared.project[Symbol.asyncDispose]();
});

const ROWS = [{ customer_id: 1 }];
test.each([
  ["no features", { entityRows: ROWS }, "INVALID_REQUEST"],
  ["features and a service", { ...SELECTION, featureService: "plans_v1", entityRows: ROWS }, "INVALID_REQUEST"],
  ["an empty list", { features: [], entityRows: ROWS }, "INVALID_REQUEST"],
  ["a bad reference", { features: ["plans"], entityRows: ROWS }, "INVALID_REQUEST"],
  ["an unknown view", { features: ["plan:price"], entityRows: ROWS }, "UNKNOWN_VIEW"],
  ["an unknown feature", { features: ["plans:prize"], entityRows: ROWS }, "UNKNOWN_FEATURE"],
  ["an unknown service", { featureService: "v1", entityRows: ROWS }, "UNKNOWN_SERVICE"],
  ["a feature twice", { features: ["plans:price", "plans:price"], entityRows: ROWS }, "FEATURE_NAME_COLLISION"],
  ["a missing join key", { ...SELECTION, entityRows: [{ customer: 1 }] }, "INVALID_REQUEST"],
  ["a null join key", { ...SELECTION, entityRows: [{ customer_id: null }] }, "INVALID_REQUEST"],
  ["part of a composite key", { features: ["sales:turnover"], entityRows: [{ number: 1 }] }, "INVALID_REQUEST"],
  ["an int64 beyond its range", { ...SELECTION, entityRows: [{ customer_id: 2n ** 63n }] }, "INVALID_REQUEST"],
  ["a number that is no longer exact", { ...SELECTION, entityRows: [{ customer_id: 2 ** 53 }] }, "INVALID_REQUEST"],
])("a read with %s is a coded error", async (_, request, code) => {
  await expect(shared.store.getOnlineFeatures(request)).rejects.toMatchObject({ code });
});

test("an empty request has an empty answer", async () => {
  await using project = await createProject(IN_MEMORY);
  await using store = await open(project);
  expect((await store.getOnlineFeatures({ ...SELECTION, entityRows: [] })).toDict()).toEqual({
    customer_id: [],
    price: [],
    plan: [],
  });
  expect(await store.push("plans", [])).toMatchObject({ outcomes: [], applied: 0 });
});

test("an unknown tenant does not open, an ended call does not start, and a closed store stays closed", async () => {
  await using project = await createProject(IN_MEMORY);
  await expect(open(project, { tenant: "nobody" })).rejects.toMatchObject({ code: "UNKNOWN_TENANT" });
  const store = await open(project);
  const request = { ...SELECTION, entityRows: ROWS };
  await expect(store.getOnlineFeatures({ ...request, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "ABORTED",
  });
  await expect(store.getOnlineFeatures({ ...request, deadlineMs: -1 })).rejects.toMatchObject({
    code: "STORE_TIMEOUT",
  });
  await store.close();
  await store.close();
  await expect(store.getOnlineFeatures(request)).rejects.toMatchObject({ code: "STORE_CLOSED" });
  await expect(store.push("plans", [plan(1, 1)])).rejects.toMatchObject({ code: "STORE_CLOSED" });
});

test("plans of many different feature lists stay bounded and right", async () => {
  await using project = await createProject(IN_MEMORY);
  await using store = await open(project);
  await store.push("plans", [plan(1, 10)]);
  const names = ["plans:price", "plans:plan", "plans:invoices"];
  for (let i = 0; i < 250; i++) {
    const features = names.filter((_, bit) => ((i % 7) + 1) & (1 << bit));
    const request = { features, fullFeatureNames: i % 2 === 0, entityRows: [{ customer_id: 1 }] };
    const row = (await store.getOnlineFeatures(request)).toRows()[0] ?? {};
    expect(Object.keys(row).slice(1)).toEqual(
      features.map((name) => (i % 2 === 0 ? name.replace(":", "__") : name.slice(6))),
    );
  }
});

test("features as of a time in the past come from Parquet, as a read of then would have them", async () => {
  await using project = await createProject(IN_MEMORY.replace("    online_ttl: 3650d\n", ""));
  await project.parquet("data/plans/a.parquet", PLANS);
  const ancient =
    "1::BIGINT AS customer_id, TIMESTAMP '1600-01-01' AS event_timestamp, TIMESTAMP '1600-01-01' AS created";
  await project.parquet(
    "data/plans/b.parquet",
    `SELECT * REPLACE (7::BIGINT AS customer_id) FROM (SELECT ${ancient}, 1::BIGINT AS price, 'x' AS plan, NULL::BIGINT[] AS invoices)`,
  );
  await using store = await open(project);
  const ask = (at: string | Date | bigint, ...ids: number[]) =>
    store.getFeaturesAsOf({ ...SELECTION, entityRows: ids.map((customer_id) => ({ customer_id })), at });
  const then = await ask("2024-03-10T12:00:00+01:00", 1, 2, 1);
  expect(then.toDict()).toEqual({ customer_id: [1, 2, 1], price: [10, null, 10], plan: ["basic", null, "basic"] });
  expect(then.statuses["price"]).toEqual(["PRESENT", "NOT_FOUND", "PRESENT"]);
  expect((await ask(new Date("2024-03-11T00:00:00Z"), 1)).toDict()).toMatchObject({ price: [11] });
  expect((await ask(BigInt(Date.UTC(2024, 2, 11)) * 1000n - 1n, 1)).toDict()).toMatchObject({ price: [10] });
  expect((await ask("2024-03-11T00:00:00Z")).toRows()).toEqual([]);
  await expect(ask("2024-03-10T12:00:00Z", 7)).rejects.toMatchObject({
    code: "INVALID_ROWS",
    facts: { view: "plans" },
  });
  await expect(ask("2024-04-02T00:00:00Z", 1)).rejects.toMatchObject({
    code: "INVALID_REQUEST",
    facts: { field: "as_of" },
  });
  const many = Array.from({ length: 10_001 }, (_, i) => i);
  await expect(ask("2024-03-10T12:00:00Z", ...many)).rejects.toMatchObject({ facts: { field: "entity_rows" } });
});
