import { encodeEntityRows, FieldStatus } from "@larder/store-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StatusCounts } from "../../src/metrics/status-counts.ts";
import { type ServedRows, servedColumns, servedRows } from "../../src/predict/served-rows.ts";
import { type ModelWorld, openModelWorld } from "../support/model-world.ts";
import { identityModel } from "../support/onnx-file.ts";

const MINUTE = 60_000_000;
const AGE = 0;
const SPENT = 1;
const AMOUNT = 2;

const YAML = `
project: test
online_store: { type: memory }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - { name: ages, entity: customer, features: [{ name: age, type: int32, default: 40 }] }
  - { name: sums, entity: customer, features: [{ name: spent, type: int64 }] }
feature_services: [{ name: s, features: ["ages:age", "sums:spent"] }]
models:
  - name: fraud
    path: m.onnx
    feature_service: s
    request_features: [{ name: amount, type: float32, default: 2.5 }]
    inputs: { x: ["ages:age", "sums:spent", amount], label: "sums:spent" }
    prediction: [{ name: seen, output: x_out }, { name: label, output: label_out }]
    on_missing: { "ages:age": default }
`;

let world: ModelWorld;
beforeAll(async () => {
  const model = identityModel([
    { name: "x", type: "float32", shape: ["n", 3] },
    { name: "label", type: "int64", shape: ["n"] },
  ]);
  world = await openModelWorld(YAML, { "m.onnx": model });
  await world.write("ages", { customer_id: [1, 2], age: [31, null] });
  world.clock.advance(MINUTE);
  await world.write("sums", { customer_id: [1, 2], spent: [100, 200] });
  world.clock.advance(MINUTE);
});
afterAll(() => world[Symbol.asyncDispose]());

async function served(rows: readonly Readonly<Record<string, unknown>>[]): Promise<ServedRows> {
  using lease = world.models.acquire("fraud");
  const { predictor } = lease;
  const { plan } = predictor.model;
  const inputs = predictor.readInputs(rows);
  const batch = await world.store.read(plan, encodeEntityRows(plan, rows), { tenant: "default" });
  const predictions = await predictor.predict(batch, inputs, new StatusCounts(plan.views.length), {});
  return servedRows(predictor, servedColumns(predictor), { batch, inputs, predictions }, world.clock.now());
}

/** Every column of a row, by one of its facts. */
const each = <T>(rows: ServedRows, fact: (column: number) => T) => rows.columns.map((_, column) => fact(column));

test("columns are the model's features, those of the store first", async () => {
  expect((await served([])).columns).toEqual([
    { kind: "stored", name: "ages:age", type: "int32" },
    { kind: "stored", name: "sums:spent", type: "int64" },
    { kind: "request", name: "amount", type: "float32" },
  ]);
});

test("values are those the model was given, with what the store had and how old that is", async () => {
  const rows = await served([
    { customer_id: 1, amount: 9 },
    { customer_id: 2 },
    { customer_id: 1, amount: 9, overrides: { "sums:spent": 7, "ages:age": null } },
    { customer_id: 404, overrides: { "ages:age": 18 } },
  ]);
  expect(rows.rowCount).toBe(4);
  const values = [0, 1, 2, 3].map((row) => each(rows, (column) => rows.value(row, column)));
  expect(values).toEqual([
    [31, 100n, 9],
    [40, 200n, 2.5],
    [40, 7n, 9],
    [18, null, 2.5],
  ]);
  const { PRESENT, NULL_VALUE, NOT_FOUND } = FieldStatus;
  const statuses = [0, 1, 2, 3].map((row) => each(rows, (column) => rows.status(row, column)));
  expect(statuses).toEqual([
    [PRESENT, PRESENT, undefined],
    [NULL_VALUE, PRESENT, undefined],
    [PRESENT, PRESENT, undefined],
    [NOT_FOUND, NOT_FOUND, undefined],
  ]);
  const ages = [0, 1, 2, 3].map((row) => each(rows, (column) => rows.age(row, column)));
  expect(ages).toEqual([
    [2 * MINUTE, MINUTE, undefined],
    [2 * MINUTE, MINUTE, undefined],
    [undefined, undefined, undefined],
    [undefined, undefined, undefined],
  ]);
  expect([0, 1, 2, 3].map((row) => each(rows, (column) => rows.overridden(row, column)))).toEqual([
    [false, false, false],
    [false, false, false],
    [true, true, false],
    [true, false, false],
  ]);
  expect(rows.value(0, AMOUNT)).toBe(9);
  expect([rows.value(1, AGE), rows.value(1, SPENT)]).toEqual([40, 200n]);
});

test("predictions are in the yaml's order, vectors whole, int64 exact; a refused row has none", async () => {
  const rows = await served([{ customer_id: 404 }, { customer_id: 2, amount: 1 }]);
  expect(rows.predictions(0)).toBeUndefined();
  expect(rows.predictions(1)).toEqual([[40, 200, 1], 200n]);
});
