import { FlatPredictRequest, PredictAnswer, PredictRequest } from "@larder/contract";
import { Compile } from "typebox/compile";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ModelWorld, openModelWorld } from "../support/model-world.ts";
import { identityModel } from "../support/onnx-file.ts";

const answers = Compile(PredictAnswer);

const MODEL = identityModel([
  { name: "x", type: "float32", shape: ["n", 3] },
  { name: "channel", type: "string", shape: ["n", 1] },
]);

const YAML = `
project: test
online_store: { type: memory }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - name: profile
    entity: customer
    features: [{ name: age, type: int32, default: 40 }, { name: spent, type: int64 }]
feature_services: [{ name: s, features: ["profile:age", "profile:spent"] }]
models:
  - name: fraud
    path: m.onnx
    feature_service: s
    request_features: [{ name: amount, type: float32 }, { name: channel, type: string, default: web }]
    inputs: { x: ["profile:age", amount, "profile:spent"] }
    prediction: [{ name: seen, output: x_out }, { name: channel, output: channel_out }]
    on_missing: { "profile:age": default }
`;

let world: ModelWorld;
beforeAll(async () => {
  world = await openModelWorld(YAML, { "m.onnx": MODEL });
  await world.write("profile", { customer_id: [1, 2], age: [31, null], spent: [100, 200] });
});
afterAll(() => world[Symbol.asyncDispose]());

const predict = (entity_rows: readonly object[]) => world.predict("fraud", entity_rows);

test("what a row brings stands beside what the store has, and a default where it brings nothing", async () => {
  const rows = [
    { customer_id: 1, amount: 9.5, channel: "app" },
    { customer_id: "2", amount: 0 },
  ];
  const answer = await predict(rows);
  expect(answer).toMatchObject({
    predictions: [
      { seen: [31, 9.5, 100], channel: "app" },
      { seen: [40, 0, 200], channel: "web" },
    ],
    metadata: { feature_status: [{}, { "profile:age": "NULL_VALUE" }] },
  });
  expect(answers.Check(answer)).toBe(true);
  expect((await world.post("/predict", rows[0])).json()).toEqual({ seen: [31, 9.5, 100], channel: "app" });
});

test("an override takes the stored value's place in its row only, and the answer says so", async () => {
  const answer = await predict([
    { customer_id: 1, amount: 1, overrides: { "profile:age": 18, "profile:spent": "7" } },
    { customer_id: 1, amount: 1 },
    { customer_id: 404, amount: 1, overrides: { "profile:spent": 5 } },
    { customer_id: 404, amount: 1, overrides: {} },
  ]);
  expect(answer).toMatchObject({
    predictions: [{ seen: [18, 1, 7] }, { seen: [31, 1, 100] }, { seen: [40, 1, 5] }, null],
    errors: [{ row: 3, code: "FEATURE_MISSING", features: ["profile:spent"] }],
    metadata: {
      feature_status: [
        { "profile:age": "OVERRIDDEN", "profile:spent": "OVERRIDDEN" },
        {},
        { "profile:age": "NOT_FOUND", "profile:spent": "OVERRIDDEN" },
        { "profile:age": "NOT_FOUND", "profile:spent": "NOT_FOUND" },
      ],
    },
  });
  expect(answers.Check(answer)).toBe(true);
});

test("an override by null is a missing value: the default takes its place, or the row is refused", async () => {
  const answer = await predict([
    { customer_id: 1, amount: 1, overrides: { "profile:age": null } },
    { customer_id: 1, amount: 1, overrides: { "profile:spent": null } },
  ]);
  expect(answer).toMatchObject({
    predictions: [{ seen: [40, 1, 100] }, null],
    errors: [{ row: 1, code: "FEATURE_MISSING", message: "No prediction: profile:spent is NULL_VALUE" }],
    metadata: { feature_status: [{ "profile:age": "OVERRIDDEN" }, { "profile:spent": "OVERRIDDEN" }] },
  });
});

test("an override that the input cannot hold refuses its row, one over a stored value that it cannot hold rescues it", async () => {
  await world.write("profile", { customer_id: [5], age: [1], spent: ["16777217"] });
  expect(
    await predict([
      { customer_id: 5, amount: 1 },
      { customer_id: 5, amount: 1, overrides: { "profile:spent": 3 } },
      { customer_id: 1, amount: 1, overrides: { "profile:spent": 16777217 } },
    ]),
  ).toMatchObject({
    predictions: [null, { seen: [1, 1, 3] }, null],
    errors: [
      { row: 0, code: "UNSAFE_INTEGER" },
      { row: 2, code: "UNSAFE_INTEGER" },
    ],
  });
});

test("one flat row with overrides says of which features", async () => {
  const row = { customer_id: 1, amount: 1, overrides: { "profile:age": 18 } };
  expect((await world.post("/predict", row)).body).toBe(
    '{"seen":[18,1,100],"channel":"web","feature_status":{"profile:age":"OVERRIDDEN"}}',
  );
});

test.each([
  [{}, "amount", 'Request feature "amount" is missing in entity row 1'],
  [{ amount: null }, "amount", 'Request feature "amount" of entity row 1 is null'],
  [{ amount: "9.5" }, "amount", 'Request feature "amount" of entity row 1 is "9.5", not a number'],
  [{ amount: 1e39 }, "amount", 'Request feature "amount" of entity row 1 is 1e+39, beyond float32'],
  [{ amount: 1, channel: 7 }, "channel", 'Request feature "channel" of entity row 1 is 7, not a string'],
  [{ amount: 1, amout: 2 }, "amout", 'Entity row 1 has "amout", which is no join key or request feature of this model'],
  [
    { amount: 1, overrides: { "profile:aeg": 1 } },
    "overrides.profile:aeg",
    'Entity row 1 overrides "profile:aeg", which this model does not read',
  ],
  [
    { amount: 1, overrides: { amount: 1 } },
    "overrides.amount",
    'Entity row 1 overrides "amount", which this model does not read',
  ],
  [
    { amount: 1, overrides: { "profile:age": 1.5 } },
    "overrides.profile:age",
    'Override of "profile:age" of entity row 1 is 1.5, not a whole number',
  ],
])("a row with %j is refused with its number and field, and no row is answered", async (row, field, detail) => {
  const entity_rows = [
    { customer_id: 1, amount: 1 },
    { customer_id: 1, ...row },
  ];
  const response = await world.post("/models/fraud/predict", { entity_rows });
  expect(response.statusCode).toBe(422);
  expect(response.json()).toMatchObject({ code: "INVALID_REQUEST", field, detail });
});

test.each([[{ overrides: [1] }], [{ overrides: null }], [{ overrides: "x" }]])("%j is no object", async (row) => {
  const response = await world.post("/models/fraud/predict", { customer_id: 1, amount: 1, ...row });
  expect(response.statusCode).toBe(422);
  expect(response.json()).toMatchObject({ code: "INVALID_REQUEST", field: "overrides" });
});

test("the contract takes what the server takes", () => {
  const row = { customer_id: 1, amount: 1.5, overrides: { "profile:age": null } };
  expect(Compile(PredictRequest).Check({ entity_rows: [row] })).toBe(true);
  expect(Compile(FlatPredictRequest).Check(row)).toBe(true);
  expect(Compile(FlatPredictRequest).Check({ ...row, overrides: 1 })).toBe(false);
});
