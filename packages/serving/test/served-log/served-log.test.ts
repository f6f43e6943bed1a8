import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBListValue } from "@duckdb/node-api";
import { eraseEntity } from "@larder/store-core";
import { seededRandom, until } from "@larder/testkit";
import { expect, test } from "vitest";
import { buildApp, openServedLog } from "../../src/index.ts";
import { createEntitySample } from "../../src/served-log/entity-sample.ts";
import { type ModelWorld, openModelWorld } from "../support/model-world.ts";
import { identityModel } from "../support/onnx-file.ts";
import { logFiles, readLog } from "../support/read-log.ts";

const MODEL = identityModel([
  { name: "x", type: "float32", shape: ["n", 3] },
  { name: "label", type: "int64", shape: ["n"] },
]);

const yaml = (log: string, onlineStore = "{ type: memory }") => `
project: test
online_store: ${onlineStore}
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: shop, join_keys: [{ name: shop_code, type: string }] }
feature_views:
  - { name: ages, entity: customer, online_ttl: 30m, keep_stale: 1h, features: [{ name: age, type: int32, default: 40 }, { name: Age, type: float32, default: 1 }] }
  - { name: sums, entity: shop, features: [{ name: spent, type: int64 }] }
feature_services: [{ name: s, features: ["ages:age", "ages:Age", "sums:spent"] }]
models:
  - name: fraud
    path: m.onnx
    feature_service: s
    request_features: [{ name: amount, type: float32, default: 2.5 }]
    inputs: { x: ["ages:age", "ages:Age", amount], label: "sums:spent" }
    prediction: [{ name: seen, output: x_out }, { name: label, output: label_out }]
    on_missing: { "ages:age": default, "ages:Age": default }
  - name: twin
    path: m.onnx
    feature_service: s
    request_features: [{ name: rate, type: float32, default: 1 }]
    inputs: { x: ["ages:age", "ages:Age", rate], label: "sums:spent" }
    prediction: { name: label, output: label_out }
    on_missing: default
server: { served_log: { path: log, ${log} } }
tenants: { default: {}, acme: {} }
`;

const open = (log: string, onlineStore?: string) => openModelWorld(yaml(log, onlineStore), { "m.onnx": MODEL });
const logOf = (world: ModelWorld) => join(world.folder, "log");
const counts = (world: ModelWorld) => world.log?.use().rows.get("fraud");

test("a file's rows are what was answered: values as used, statuses, ages, overrides and predictions, of every seeded request", async () => {
  await using world = await open("sample: 1");
  const random = seededRandom();
  const customers = [1, 2, 3, 4];
  await world.write("ages", { customer_id: [1, 2], age: [31, null], Age: [0.5, 7] });
  world.clock.advance(20 * 60_000_000);
  await world.write("ages", { customer_id: [3], age: [-5], Age: [1e30] });
  await world.write("sums", { shop_code: ["é\0", "b"], spent: ["9007199254740993", -1] });
  world.clock.advance(15 * 60_000_000);
  const expected: unknown[] = [];
  for (let request = 0; request < 30; request++) {
    world.clock.advance(random.integer(1, 1_000));
    const rows = Array.from({ length: random.integer(1, 5) }, () => ({
      customer_id: random.pick(customers),
      shop_code: random.pick(["é\0", "b", "unknown"]),
      ...(random.next() < 0.5 ? { amount: random.integer(0, 9) } : {}),
      ...(random.next() < 0.3 ? { overrides: { "ages:age": random.pick([null, 18]) } } : {}),
    }));
    const response = await world.post("/models/fraud/predict", { entity_rows: rows });
    expect(response.statusCode).toBe(200);
    const { predictions, errors = [], metadata } = response.json();
    for (const [row, entity] of rows.entries()) {
      const status = metadata.feature_status[row];
      const said = predictions[row];
      expected.push({
        request_id: response.headers["x-request-id"],
        row,
        served_at: BigInt(world.clock.now()),
        version: metadata.version,
        checksum: metadata.checksum,
        error: errors.find((error: { row: number }) => error.row === row)?.code ?? null,
        "entity.customer_id": BigInt(entity.customer_id),
        "entity.shop_code": entity.shop_code,
        overridden: entity.overrides !== undefined,
        // What was overridden is told as such in the answer; the log has the store's status all the same.
        "ages:Age.status": status["ages:Age"] ?? "PRESENT",
        "sums:spent.status": status["sums:spent"] ?? "PRESENT",
        seen: said === null ? null : said.seen,
        label: said === null ? null : BigInt(entity.shop_code === "b" ? -1 : "9007199254740993"),
        amount: entity.amount ?? 2.5,
      });
    }
  }
  await world.log?.close();
  const rows = await readLog(logOf(world));
  const found = rows.map((row) => ({
    request_id: row["request_id"],
    row: row["row"],
    served_at: row["served_at"],
    version: row["version"],
    checksum: row["checksum"],
    error: row["error"],
    "entity.customer_id": row["entity.customer_id"],
    "entity.shop_code": row["entity.shop_code"],
    overridden: row["ages:age.overridden"],
    "ages:Age.status": row["ages:Age.status.2"],
    "sums:spent.status": row["sums:spent.status"],
    seen: row["prediction.seen"] instanceof DuckDBListValue ? [...row["prediction.seen"].items] : null,
    label: row["prediction.label"],
    amount: row["request:amount"],
  }));
  expect(found).toEqual(expected);
  // What the model was given is what it said.
  for (const row of rows) {
    if (row["prediction.seen"] === null) continue;
    const seen = row["prediction.seen"] as DuckDBListValue;
    expect([...seen.items]).toEqual([row["ages:age"], row["ages:Age.2"], row["request:amount"]]);
    expect(row["prediction.label"]).toBe(row["sums:spent"]);
  }
  expect([...new Set(rows.map((row) => row["ages:age.status"]))].sort()).toEqual([
    "NOT_FOUND",
    "OUTSIDE_MAX_AGE",
    "PRESENT",
  ]);
  expect(counts(world)).toEqual({ written: expected.length, erased: 0, full: 0, failed: 0 });
});

test("an entity is in the sample or out of it, by tenant, and stays in when the sample grows", () => {
  const tenth = createEntitySample("p", 0.1);
  const half = createEntitySample("p", 0.5);
  const ids = Array.from({ length: 20_000 }, (_, id) => String(id));
  const inTenth = ids.filter((id) => tenth("default", id));
  // Six deviations of a fair choice.
  expect(Math.abs(inTenth.length - 2_000)).toBeLessThan(255);
  expect(inTenth.every((id) => half("default", id) && createEntitySample("p", 0.1)("default", id))).toBe(true);
  expect(inTenth.filter((id) => tenth("acme", id)).length).toBeLessThan(400);
  expect(ids.every((id) => createEntitySample("p", 1)("default", id))).toBe(true);
  // These may never change: a log would be about other entities from one version of Larder to the next.
  expect(ids.filter((id) => createEntitySample("p", 0.001)("default", id))).toMatchInlineSnapshot(`
    [
      "383",
      "841",
      "943",
      "1270",
      "1929",
      "2892",
      "3223",
      "5354",
      "5881",
      "7620",
      "8250",
      "8402",
      "8600",
      "8899",
      "9393",
      "9978",
      "10663",
      "11298",
      "11709",
      "11912",
      "11917",
      "12956",
      "13145",
      "13403",
      "13461",
      "13486",
      "14716",
      "14794",
      "15702",
    ]
  `);
});

test("only sampled entities are in the log, all of their rows", async () => {
  await using world = await open("sample: 0.3");
  const sampled = createEntitySample("test", 0.3);
  const rows = Array.from({ length: 60 }, (_, i) => ({ customer_id: i % 20, shop_code: "b" }));
  await world.post("/models/fraud/predict", { entity_rows: rows });
  await world.log?.close();
  const ids = (await readLog(logOf(world))).map((row) => Number(row["entity.customer_id"]));
  expect(ids).toEqual(rows.map((row) => row.customer_id).filter((id) => sampled("default", `${id};sb`)));
  expect(ids.length).toBeGreaterThan(0);
});

test("rows beyond what may wait are dropped and counted, and every request is answered", async () => {
  await using world = await open("sample: 1, max_pending: 10kB, rotate_size: 10kB");
  const row = { customer_id: 1, shop_code: "b" };
  for (let i = 0; i < 5; i++) {
    const answer = await world.post("/models/fraud/predict", { entity_rows: Array.from({ length: 200 }, () => row) });
    expect(answer.statusCode).toBe(200);
  }
  const full = counts(world)?.full ?? 0;
  expect(full).toBeGreaterThan(500);
  expect(await world.metrics()).toContain(`larder_served_log_rows_total{model="fraud",status="full"} ${full}`);
  expect(world.log?.use().pendingBytes).toBeLessThan(11_000);
  await world.log?.close();
  expect(await readLog(logOf(world))).toHaveLength(1_000 - full);
});

test("a disk that takes no files costs rows, which are counted, one complaint, and no request; it goes on when it can", async () => {
  await using world = await open("sample: 1, rotate_size: 1kB");
  const ask = () => world.post("/models/fraud/predict", { entity_rows: [{ customer_id: 1, shop_code: "b" }] });
  await rm(logOf(world), { recursive: true });
  await writeFile(logOf(world), "no folder");
  for (let i = 0; i < 12; i++) expect((await ask()).statusCode).toBe(200);
  await until(30_000, "files have failed", async () => (counts(world)?.failed ?? 0) >= 4);
  expect(world.problems.map(({ code }) => code)).toEqual(["OUTPUT_UNWRITABLE"]);
  await rm(logOf(world));
  await mkdir(logOf(world));
  for (let i = 0; i < 12; i++) expect((await ask()).statusCode).toBe(200);
  await world.log?.close();
  const { written = 0, failed = 0 } = counts(world) ?? {};
  expect(written + failed).toBe(24);
  expect(written).toBeGreaterThan(4);
  expect(await readLog(logOf(world))).toHaveLength(written);
});

test("rows of an erased entity that wait are never written, those of its new life are", async () => {
  await using world = await open("sample: 1");
  await world.write("ages", { customer_id: [1, 2], age: [1, 2], Age: [1, 2] });
  const ask = (id: number) => world.predict("fraud", [{ customer_id: id, shop_code: "b" }]);
  await ask(1);
  await ask(2);
  const { store, definitions, clock } = world;
  const request = { tenant: "default", entity: { customer_id: 1 }, confirmed: true };
  await eraseEntity({ store, definitions, clock, settings: { leaseMs: 1, writeMs: 1 } }, request);
  // Nothing says that this is anybody else than who was erased.
  await ask(1);
  clock.advance(1_000_000);
  await world.write("ages", { customer_id: [1], age: [3], Age: [3] });
  await ask(1);
  await world.log?.close();
  const rows = await readLog(logOf(world));
  expect(rows.map((row) => [row["entity.customer_id"], row["ages:age"]])).toEqual([
    [2n, 2],
    [1n, 3],
  ]);
  expect(counts(world)).toEqual({ written: 2, erased: 2, full: 0, failed: 0 });
});

test("models of other features have files of their own, and logs of several processes share a folder", async () => {
  await using world = await open("sample: 1");
  const config = world.definitions.server.servedLog;
  if (config === undefined) throw new Error("no log");
  const { definitions, store, clock, models } = world;
  const second = await openServedLog(config, { definitions, store, clock, onProblem: () => {} });
  const app = await buildApp({ definitions, store, models, clock, servedLog: second });
  for (const model of ["fraud", "twin", "fraud"]) {
    const body = { entity_rows: [{ customer_id: 1, shop_code: "b" }] };
    await world.post(`/models/${model}/predict`, body);
    await app.inject({ method: "POST", url: `/models/${model}/predict`, body });
  }
  await app.close();
  await Promise.all([second.close(), world.log?.close()]);
  expect(await logFiles(logOf(world))).toHaveLength(4);
  const rows = await readLog(logOf(world));
  expect(rows.map((row) => row["model"]).sort()).toEqual(["fraud", "fraud", "fraud", "fraud", "twin", "twin"]);
  for (const row of rows) expect(Object.hasOwn(row, "request:rate")).toBe(row["model"] === "twin");
});

test("the oldest files go when they are too many", async () => {
  await using world = await open("sample: 1, rotate_size: 1kB, max_bytes: 40kB");
  for (let i = 0; i < 20; i++) await world.predict("fraud", [{ customer_id: i, shop_code: "b" }]);
  await world.log?.close();
  const files = await logFiles(logOf(world));
  const written = counts(world)?.written ?? 0;
  expect(written).toBe(20);
  const kept = (await readLog(logOf(world))).map((row) => Number(row["entity.customer_id"]));
  expect(kept.length).toBeLessThan(20);
  expect(kept.at(-1)).toBe(19);
  expect(files.length).toBeGreaterThan(1);
});
