import { afterAll, beforeAll, expect, test } from "vitest";
import { type ModelWorld, openModelWorld } from "../support/model-world.ts";
import { onnxFile } from "../support/onnx-file.ts";

const EMBEDDING = [0.5, -1, 2, 8];

/** Inputs of every kind in one model: an [n, w] from a list, an [n, k] block with a list inside, another block, an [n] of strings. */
const MIXED = onnxFile({
  inputs: [
    { name: "embedding", type: "float32", shape: ["n", 4] },
    { name: "block", type: "float32", shape: ["n", 6] },
    { name: "counts", type: "int64", shape: ["n", 2] },
    { name: "plan", type: "string", shape: ["n"] },
  ],
  outputs: [
    { name: "embedding_out", type: "float32", shape: ["n", 4] },
    { name: "block_out", type: "float32", shape: ["n", 6] },
    { name: "counts_out", type: "int64", shape: ["n", 2] },
    { name: "plan_out", type: "string", shape: ["n"] },
    { name: "flags", type: "bool", shape: ["n", 4] },
  ],
  nodes: [
    ...["embedding", "block", "counts", "plan"].map((name) => ({
      op: "Identity",
      inputs: [name],
      outputs: [`${name}_out`],
    })),
    { op: "Equal", inputs: ["embedding", "embedding"], outputs: ["flags"] },
  ],
});

/** 1 / x per element. */
const RECIPROCAL = onnxFile({
  inputs: [{ name: "x", type: "float32", shape: ["n", 4] }],
  outputs: [{ name: "out", type: "float32", shape: ["n", 4] }],
  nodes: [{ op: "Reciprocal", inputs: ["x"], outputs: ["out"] }],
});

const YAML = `
project: test
online_store: { type: memory }
entities: [{ name: row, join_keys: [{ name: id, type: int64 }] }]
feature_views:
  - name: v
    entity: row
    features:
      - { name: embedding, type: list<float32>, default: [1, 1, 1, 1] }
      - { name: exact, type: list<float64> }
      - { name: a, type: int64 }
      - { name: b, type: int32 }
      - { name: plan, type: string }
feature_services: [{ name: s, features: ["v:embedding", "v:exact", "v:a", "v:b", "v:plan"] }]
models:
  - name: mixed
    path: mixed.onnx
    feature_service: s
    inputs: { block: ["v:a", "v:embedding", "v:b"], counts: ["v:b", "v:a"] }
    prediction:
      - { output: plan_out, name: plan }
      - { output: embedding_out, name: vector }
      - { output: block_out, name: block }
      - { output: counts_out, name: b, index: 0 }
      - { output: counts_out, name: counts }
      - { output: flags, name: flags }
      - { output: flags, name: flag, index: 3 }
  - { name: reciprocal, path: reciprocal.onnx, feature_service: s, inputs: { x: "v:embedding" }, prediction: { name: out, output: out } }
  - { name: default, path: reciprocal.onnx, feature_service: s, on_missing: default, inputs: { x: "v:embedding" }, prediction: { name: out, output: out } }
  - { name: nan, path: reciprocal.onnx, feature_service: s, on_missing: nan, inputs: { x: "v:embedding" }, prediction: { name: out, output: out, index: 1 } }
  - { name: exact, path: reciprocal.onnx, feature_service: s, inputs: { x: "v:exact" }, prediction: { name: out, output: out } }
`;

let world: ModelWorld;
beforeAll(async () => {
  world = await openModelWorld(YAML, { "mixed.onnx": MIXED, "reciprocal.onnx": RECIPROCAL });
  await world.write("v", {
    id: [1, 2, 3, 4],
    embedding: [EMBEDDING, EMBEDDING.slice(0, 3), [1, 2, 0, 4], null],
    exact: [EMBEDDING, [0.5, 0.1, 1, 1], [], EMBEDDING],
    a: ["9007199254740993", 7, 7, 7],
    b: [-3, -3, -3, -3],
    plan: ["gold", "é", "", "x"],
  });
});
afterAll(() => world[Symbol.asyncDispose]());

test("inputs of lists, of blocks and of scalars, outputs of every type side by side, whole and by column", async () => {
  await world.write("v", { id: [10], embedding: [EMBEDDING], exact: [[]], a: [7], b: [-3], plan: ["gold"] });
  const response = await world.post("/models/mixed/predict", { id: 10 });
  expect(response.body).toBe(
    '{"plan":"gold","vector":[0.5,-1,2,8],"block":[7,0.5,-1,2,8,-3],"b":-3,"counts":[-3,7],"flags":[true,true,true,true],"flag":true}',
  );
});

test("a batch and its rows one by one answer alike, and a refused row has null for all its predictions", async () => {
  const { predictions, errors } = await world.predict("mixed", [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }]);
  expect(predictions.map((each) => each === null)).toEqual([true, true, false, true]);
  expect(errors?.map(({ row, code, features }) => [row, code, features])).toEqual([
    [0, "UNSAFE_INTEGER", ["v:a"]],
    [1, "WRONG_WIDTH", ["v:embedding"]],
    [3, "FEATURE_MISSING", ["v:embedding"]],
  ]);
  expect(errors?.[1]?.message).toBe(
    "No prediction: v:embedding has 3 elements and the model's input takes 4; write lists of that width",
  );
  for (const id of [1, 2, 3, 4]) {
    const alone = (await world.post("/models/mixed/predict", { id })).json();
    const { errors: _, ...members } = alone;
    expect(members).toEqual(
      predictions[id - 1] ?? Object.fromEntries(Object.keys(members).map((name) => [name, null])),
    );
  }
});

test("a list takes its default or NaN as a whole", async () => {
  expect((await world.predict("default", [{ id: 4 }, { id: 404 }])).predictions).toEqual([
    { out: [1, 1, 1, 1] },
    { out: [1, 1, 1, 1] },
  ]);
  expect(await world.predict("nan", [{ id: 1 }, { id: 4 }])).toMatchObject({
    predictions: [{ out: -1 }, null],
    errors: [{ row: 1, code: "MODEL_FAILED" }],
  });
});

test("a vector with an infinite element is no prediction", async () => {
  expect(await world.predict("reciprocal", [{ id: 3 }, { id: 1 }])).toMatchObject({
    predictions: [null, { out: [2, -1, 0.5, 0.125] }],
    errors: [{ row: 0, code: "MODEL_FAILED" }],
  });
});

test("float64 into a float32 input: the row whose value it would round is refused with a remedy, the others are answered", async () => {
  const { predictions, errors } = await world.predict("exact", [{ id: 1 }, { id: 2 }]);
  expect(predictions).toEqual([{ out: [2, -1, 0.5, 0.125] }, null]);
  expect(errors).toEqual([
    {
      row: 1,
      code: "INEXACT_VALUE",
      message:
        "No prediction: the float32 input of the model would round the value of v:exact; declare it float32, or export the model with a float64 input",
      features: ["v:exact"],
    },
  ]);
});

test.each([
  [
    'inputs: { x: ["v:embedding", "v:exact"] }',
    /it is fed several lists \(v:embedding, v:exact\).*Give each list an input/,
  ],
  ['inputs: { x: ["v:embedding", "v:a", "v:a", "v:a", "v:a"] }', /it takes 4 features and is fed 5/],
  ['inputs: { x: "v:plan" }', /it takes 4 features and is fed 1/],
  ['inputs: { x: "v:short" }', /it takes 4 elements of float32 from v:short, which the default of v:short is not/],
  [
    'inputs: { x: ["v:a", "v:b", "v:b", r] }, request_features: [{ name: r, type: int64, default: 16777217 }]',
    /cannot hold the default of r exactly/,
  ],
  [
    "inputs: { x: [r, r, r, r] }, request_features: [{ name: r, type: float32 }]",
    /no input takes a feature of feature service "s"/,
  ],
])("a model with %s is refused", async (inputs, message) => {
  const yaml = YAML.replace("- { name: a,", "- { name: short, type: list<float32>, default: [1] }\n      - { name: a,")
    .replace('"v:a", "v:b", "v:plan"]', '"v:a", "v:b", "v:plan", "v:short"]')
    .replace(
      /models:[\s\S]*/,
      `models: [{ name: m, path: m.onnx, feature_service: s, prediction: { output: out }, ${inputs} }]\n`,
    );
  await expect(openModelWorld(yaml, { "m.onnx": RECIPROCAL })).rejects.toThrow(message);
});
