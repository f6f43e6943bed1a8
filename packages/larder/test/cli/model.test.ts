import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadDefinitions } from "@larder/schema";
import { loadModels } from "@larder/serving";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { createProject } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

/** Hands its input `spent_30d`, a float32, on. */
const SPEND = join(import.meta.dirname, "../fixtures/spend.onnx");

const YAML = `project: shop
online_store: { type: memory }
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
  - name: orders
    entity: customer
    ttl: 30d
    features:
      - { name: orders_30d, type: int64 }
      - { name: spent_30d, type: float32 }
    source: { path: orders.parquet, created_timestamp_column: created }
feature_services:
  - { name: orders_v1, features: ["orders:orders_30d", "orders:spent_30d"] }
models:
  - { name: spend, path: models/spend.onnx, feature_service: orders_v1, prediction: { output: spent_30d_out } }
`;

const ORDERS = `SELECT * FROM (VALUES (1::BIGINT, TIMESTAMP '2024-03-10', TIMESTAMP '2024-03-10', 3::BIGINT, 42.5::FLOAT))
  t(customer_id, event_timestamp, created, orders_30d, spent_30d)`;

const LABELS = "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2024-03-12' AS event_timestamp, true AS churned";

async function json(folder: string, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, folder);
  const code = await runCli([...args, "--json"], terminal);
  return { code, value: JSON.parse(terminal.said) };
}

/** A project whose model has a record of its training set. */
async function trained() {
  const project = await createProject(YAML);
  await project.parquet("data/orders.parquet", ORDERS);
  await project.parquet("labels.parquet", LABELS);
  await mkdir(dirname(project.path("models/spend.onnx")));
  await copyFile(SPEND, project.path("models/spend.onnx"));
  const join = ["training-set", "--entities", "labels.parquet", "--service", "orders_v1", "--out", "train.parquet"];
  expect((await json(project.folder, ...join)).code).toBe(0);
  const add = ["model", "add", "models/spend.onnx", "--manifest", "train.manifest.json", "--run-id", "run-7"];
  return { project, added: await json(project.folder, ...add) };
}

/** Code of what a server says to a file of definitions; undefined when it loads. */
async function loadFailure(file: string): Promise<{ readonly code: string; readonly message: string } | undefined> {
  try {
    await (await loadModels(await loadDefinitions(file, { env: {} }))).close();
    return undefined;
  } catch (error) {
    return error as { readonly code: string; readonly message: string };
  }
}

test("a model is recorded with the hashes of itself, its training set and its definitions; it is listed and served with them", async () => {
  const { project, added } = await trained();
  await using _ = project;
  const manifest = JSON.parse(await readFile(project.path("train.manifest.json"), "utf8"));
  const hashes = {
    model_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    training_set_sha256: manifest.output.sha256,
    definitions_hash: manifest.definitions_hash,
    run_id: "run-7",
  };
  const record = project.path("models/spend.larder.json");
  expect(added).toEqual({ code: 0, value: { file: project.path("models/spend.onnx"), record, ...hashes } });
  expect(JSON.parse(await readFile(record, "utf8"))).toMatchObject({
    format: "larder.model/1",
    ...hashes,
    features: { "orders:spent_30d": { view: '"orders"', type: '"float32"', join_keys: '["customer_id int64"]' } },
  });
  const listed = await json(project.folder, "model", "list");
  const { model_sha256: _model, ...trainedOn } = hashes;
  expect(listed.value).toEqual({
    models: [
      { model: "spend", version: "1", file: project.path("models/spend.onnx"), trained_on: trainedOn, problem: null },
    ],
  });
  expect(await loadFailure(project.path("feature_store.yaml"))).toBeUndefined();
});

test.each([
  ["a description", "ttl: 30d", 'ttl: 30d\n    description: "Orders"', undefined],
  [
    "where rows are, how long they are served",
    "ttl: 30d",
    "ttl: 30d\n    online_ttl: 60d\n    keep_stale: 1d",
    undefined,
  ],
  ["a feature that the model does not take", "orders_30d, type: int64", "orders_30d, type: float64", undefined],
  [
    "a further view",
    "feature_services:",
    "  - { name: more, entity: customer, features: [{ name: x, type: bool }] }\nfeature_services:",
    undefined,
  ],
  [
    "the type",
    "spent_30d, type: float32",
    "spent_30d, type: int32",
    'orders:spent_30d type was "float32" and is "int32"',
  ],
  ["the join key", "customer_id, type: int64", "customer_id, type: string", "orders:spent_30d join_keys was"],
  ["the TTL of joins", "ttl: 30d", "ttl: 7d", "orders:spent_30d ttl was 2592000000000 and is 604800000000"],
  [
    "the source's column",
    "column: created }",
    "column: created, field_mapping: { paid: spent_30d } }",
    "orders:spent_30d field_mapping was not set",
  ],
  [
    "what created means",
    "column: created }",
    "column: created, created_means: load_time }",
    "orders:spent_30d created_means was not set",
  ],
])(
  "of definitions that differ in %s only those are refused in which the model's features mean something else",
  async (_what, before, after, refusal) => {
    await using project = await recorded();
    expect(YAML).toContain(before);
    await project.write("feature_store.yaml", YAML.replace(before, after));
    const failure = await loadFailure(project.path("feature_store.yaml"));
    if (refusal === undefined) expect(failure).toBeUndefined();
    else {
      expect([failure?.code, failure?.message]).toEqual([
        "MODEL_TRAINED_ON_OTHER_DEFINITIONS",
        expect.stringContaining(refusal),
      ]);
    }
  },
);

/** A project with the recorded model alone: its training set is built once for all of them. */
async function recorded() {
  text ??= trained().then(async ({ project }) => {
    await using _ = project;
    return readFile(project.path("models/spend.larder.json"), "utf8");
  });
  const project = await createProject(YAML);
  await project.write("models/spend.larder.json", await text);
  await copyFile(SPEND, project.path("models/spend.onnx"));
  return project;
}

let text: Promise<string> | undefined;

test("a record of another file, or one that is none, is refused; so is a wrong --manifest, and nothing is written", async () => {
  await using project = await recorded();
  const record = project.path("models/spend.larder.json");
  const content = await readFile(record, "utf8");
  await writeFile(record, content.replace(/"model_sha256": "..../, '"model_sha256": "0000'));
  expect(await loadFailure(project.path("feature_store.yaml"))).toMatchObject({ code: "MODEL_MISMATCH" });
  const otherMeaning = content.replace('"ttl":', '"ttl": 3, "was":');
  expect(otherMeaning).not.toBe(content);
  for (const broken of ["{", "[]", content.replace("larder.model/1", "larder.model/2"), otherMeaning]) {
    await writeFile(record, broken);
    expect(await loadFailure(project.path("feature_store.yaml"))).toMatchObject({ code: "MODEL_UNREADABLE" });
  }
  await project.write("other.json", "{}");
  await project.write("half.manifest.json", '{"format":"larder.training-set/1"}');
  for (const [model, manifest, code] of [
    ["models/spend.onnx", "other.json", "USAGE"],
    ["models/spend.onnx", "half.manifest.json", "SOURCE_UNREADABLE"],
    ["models/spend.onnx", "gone.json", "SOURCE_UNREADABLE"],
  ] as const) {
    const { value } = await json(project.folder, "model", "add", model, "--manifest", manifest);
    expect([manifest, value.error?.code]).toEqual([manifest, code]);
  }
  expect(await readFile(record, "utf8")).toBe(otherMeaning);
});
