import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isLarderError, type LarderError, parseDefinitions } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { logicalClock, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { buildApp, loadModels } from "../../src/index.ts";
import { identityModel, sequenceModel } from "../support/onnx-file.ts";
import { FIXTURES } from "../support/world.ts";

const TYPES = [
  "int32",
  "int64",
  "float32",
  "float64",
  "bool",
  "string",
  "bytes",
  "unix_timestamp",
  "list<float32>",
  "list<bytes>",
];

/** Definitions with one feature per type, `x_float32` and so on, and the given models. */
function definitionsIn(folder: string, models: string) {
  const features = TYPES.map((type) => `{ name: x_${type.replace(/\W/g, "_")}, type: ${type} }`).join(", ");
  const all = TYPES.map((type) => `"all:x_${type.replace(/\W/g, "_")}"`).join(", ");
  return parseDefinitions(
    `project: test
online_store: { type: memory }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - { name: all, entity: customer, features: [${features}] }
feature_services:
  - { name: everything, features: [${all}] }
  - { name: floats, features: ["all:x_float32", "all:x_bool"] }
models:
${models}
`,
    { file: join(folder, "feature_store.yaml"), env: {} },
  );
}

/** What loading fails with; files that are `gone` are removed when the definitions have been read. */
async function failure(folder: string, models: string, gone: readonly string[] = []): Promise<LarderError> {
  try {
    const definitions = definitionsIn(folder, models);
    for (const file of gone) await rm(join(folder, file));
    const loaded = await loadModels(definitions);
    await loaded.close();
  } catch (error) {
    if (isLarderError(error)) return error;
    throw error;
  }
  throw new Error("the models were loaded");
}

const model = (rest: string) => `  - { name: m, path: m.onnx, feature_service: everything, ${rest} }`;

test("a file that is absent, or no ONNX, is MODEL_UNREADABLE and named", async () => {
  await using folder = await temporaryFolder();
  const yaml = model("prediction: { output: out }");
  await writeFile(join(folder.path, "m.onnx"), "hello");
  const absent = await failure(folder.path, yaml, ["m.onnx"]);
  expect([absent.code, absent.facts["model"]]).toEqual(["MODEL_UNREADABLE", "m"]);
  expect(absent.message).toContain(join(folder.path, "m.onnx"));
  await writeFile(join(folder.path, "m.onnx"), "hello");
  expect((await failure(folder.path, yaml)).code).toBe("MODEL_UNREADABLE");
  const whole = await readFile(join(FIXTURES, "churn/churn.onnx"));
  await writeFile(join(folder.path, "m.onnx"), whole.subarray(0, 30_000));
  expect((await failure(folder.path, yaml)).code).toBe("MODEL_UNREADABLE");
});

/** tensor type -> the feature types that may feed it; everything else must be refused at load. */
const TABLE = {
  float32: ["float32", "bool", "int32", "int64", "float64", "list<float32>"],
  float64: ["float64", "float32", "int32", "bool", "int64", "unix_timestamp", "list<float32>"],
  int64: ["int64", "int32", "unix_timestamp", "bool"],
  int32: ["int32", "bool"],
  bool: ["bool"],
  string: ["string"],
  uint8: [],
} as const;

test.each(Object.entries(TABLE))("an input of %s takes exactly %j", async (tensor, allowed) => {
  await using folder = await temporaryFolder();
  await writeFile(
    join(folder.path, "m.onnx"),
    identityModel([{ name: "x", type: tensor as keyof typeof TABLE, shape: ["n", 1] }]),
  );
  const taken: string[] = [];
  for (const type of TYPES) {
    const feature = `all:x_${type.replace(/\W/g, "_")}`;
    try {
      const loaded = await loadModels(
        definitionsIn(folder.path, model(`inputs: { x: "${feature}" }, prediction: { output: x_out }`)),
      );
      await loaded.close();
      taken.push(type);
    } catch (error) {
      expect(isLarderError(error, "MODEL_MISMATCH")).toBe(true);
      expect((error as LarderError).problems[0]).toMatchObject({ field: "x" });
    }
  }
  expect(taken.sort()).toEqual([...allowed].sort());
});

test("every problem of a model is told at once, with input, expected and found", async () => {
  await using folder = await temporaryFolder();
  const inputs = [
    { name: "x_string", type: "float32", shape: ["n", 1] },
    { name: "x_int32", type: "int32", shape: ["n"] },
    { name: "unfed", type: "float32", shape: ["n", 1] },
    { name: "wide", type: "float32", shape: ["n", 3] },
    { name: "cube", type: "float32", shape: ["n", 2, 2] },
    { name: "fixed", type: "float32", shape: [1, 1] },
  ] as const;
  await writeFile(join(folder.path, "m.onnx"), identityModel(inputs));
  const yaml = model(
    'on_missing: nan, inputs: { wide: ["all:x_float32", "all:x_bool"], typo: "all:x_float32" }, prediction: { output: nope }',
  );
  const error = await failure(folder.path, yaml);
  expect([error.code, error.facts["model"], error.facts["field"]]).toEqual(["MODEL_MISMATCH", "m", "typo"]);
  expect(error.problems.map(({ what }) => what)).toEqual([
    'Input "typo": the yaml feeds an input "typo" that the model does not have',
    'Input "x_string": it expects float32 and all:x_string is string',
    'Input "x_int32": on_missing of all:x_int32 is nan, which a int32 input cannot hold',
    'Input "unfed": no feature feeds it: neither feature service "everything" nor request_features has one "unfed"',
    'Input "wide": it takes 3 features and is fed 2 (all:x_float32, all:x_bool)',
    'Input "cube": its shape is [n, 2, 2]',
    'Input "fixed": its shape is [1, 1]',
    'Output "nope": the model has no such output',
  ]);
  expect(error.message).toContain("feature_store.yaml:");
});

test.each([
  ["output: m_out", 'Output "m_out": the model has no such output'],
  ["output: x_out, index: 2", 'Output "x_out": its shape is [n, 2] and prediction.index is 2'],
])("a prediction of { %s } does not fit a [n, 2] output", async (prediction, what) => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "m.onnx"), identityModel([{ name: "x", type: "float32", shape: ["n", 2] }]));
  const error = await failure(
    folder.path,
    `  - { name: m, path: m.onnx, feature_service: floats, prediction: { ${prediction} } }`,
  );
  expect(error.problems.map((problem) => problem.what)).toEqual([what]);
});

test("a sequence is no prediction, and the tensor beside it works", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "m.onnx"), sequenceModel());
  const yaml = (prediction: string) =>
    `  - { name: m, path: m.onnx, feature_service: floats, prediction: { ${prediction} } }`;
  const error = await failure(folder.path, yaml("output: parts, index: 1"));
  expect(error.code).toBe("MODEL_MISMATCH");
  expect(error.message).toMatch(/"parts": it is a sequence or map, not a tensor\. .*or use raw\.$/);
  await using loaded = await loadModels(definitionsIn(folder.path, yaml("output: raw, index: 1")));
  expect(loaded.state("m").current).toBe("1");
});

test("an only input takes the service's features in order; a model without shapes is judged by its first run", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "m.onnx"), identityModel([{ name: "x", type: "float32" }]));
  const yaml = (prediction: string) =>
    `  - { name: m, path: m.onnx, feature_service: floats, prediction: { ${prediction} } }`;
  await using loaded = await loadModels(definitionsIn(folder.path, yaml("output: x_out, index: 1")));
  using lease = loaded.acquire("m");
  expect(lease.predictor.model.plan.columns.map(({ name }) => name)).toEqual(["all__x_float32", "all__x_bool"]);
  const error = await failure(folder.path, yaml("output: x_out, index: 2"));
  expect([error.code, error.problems[0]?.place]).toEqual(["MODEL_MISMATCH", "warm-up"]);
});

test("every input type reaches the model exactly, and an integer that a float32 cannot hold refuses its row only", async () => {
  await using folder = await temporaryFolder();
  const types = ["float32", "float64", "int32", "int64", "bool", "string"] as const;
  await writeFile(
    join(folder.path, "m.onnx"),
    identityModel(types.map((type) => ({ name: `x_${type}`, type, shape: ["n", 1] }))),
  );
  await writeFile(join(folder.path, "cast.onnx"), identityModel([{ name: "x", type: "float32", shape: ["n"] }]));
  const models = [
    ...types.map(
      (type) =>
        `  - { name: echo_${type}, path: m.onnx, feature_service: everything, prediction: { name: v, output: x_${type}_out } }`,
    ),
    '  - { name: cast, path: cast.onnx, feature_service: everything, inputs: { x: "all:x_int64" }, prediction: { name: v, output: x_out } }',
  ];
  const definitions = definitionsIn(folder.path, models.join("\n"));
  const clock = logicalClock();
  await using store = await openOnlineStore(definitions, { clock });
  await using loaded = await loadModels(definitions);
  await using app = await buildApp({ definitions, store, models: loaded, clock });
  const df = {
    customer_id: [1, 2],
    event_timestamp: ["2024-01-01", "2024-01-01"],
    x_int32: [-7, 0],
    x_int64: ["9007199254740993", 16777216],
    x_float32: [0.1, 1],
    x_float64: [0.1, -2.5],
    x_bool: [true, false],
    x_string: ["é🙂", ""],
    x_bytes: ["", ""],
    x_unix_timestamp: [0, 0],
    x_list_float32_: [[], []],
    x_list_bytes_: [[], []],
  };
  const written = await app.inject({
    method: "POST",
    url: "/write-to-online-store",
    body: { feature_view_name: "all", df },
  });
  expect(written.statusCode, written.body).toBe(200);
  const answers: string[] = [];
  for (const name of [...types.map((type) => `echo_${type}`), "cast"]) {
    const body = { entity_rows: [{ customer_id: 1 }, { customer_id: 2 }] };
    const response = await app.inject({ method: "POST", url: `/models/${name}/predict`, body });
    answers.push(response.body.slice(0, response.body.indexOf(',"metadata"')));
  }
  expect(answers.slice(0, 6)).toEqual([
    '{"predictions":[{"v":0.10000000149011612},{"v":1}]',
    '{"predictions":[{"v":0.1},{"v":-2.5}]',
    '{"predictions":[{"v":-7},{"v":0}]',
    '{"predictions":[{"v":9007199254740993},{"v":16777216}]',
    '{"predictions":[{"v":true},{"v":false}]',
    '{"predictions":[{"v":"é🙂"},{"v":""}]',
  ]);
  expect(JSON.parse(`${answers[6]}}`)).toMatchObject({
    predictions: [null, { v: 16777216 }],
    errors: [{ row: 0, code: "UNSAFE_INTEGER", features: ["all:x_int64"] }],
  });
});

test("of several models the one that cannot be loaded is named", async () => {
  await using folder = await temporaryFolder();
  await writeFile(
    join(folder.path, "m.onnx"),
    identityModel([{ name: "x_float32", type: "float32", shape: ["n", 1] }]),
  );
  const yaml = `${model("prediction: { output: x_float32_out }")}\n  - { name: second, path: gone.onnx, feature_service: everything, prediction: { output: out } }`;
  await writeFile(join(folder.path, "gone.onnx"), "");
  const error = await failure(folder.path, yaml, ["gone.onnx"]);
  expect([error.code, error.facts["model"]]).toEqual(["MODEL_UNREADABLE", "second"]);
});
