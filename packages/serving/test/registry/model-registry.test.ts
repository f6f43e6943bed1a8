import { createHash } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Definitions, parseDefinitions } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { logicalClock, temporaryFolder, until } from "@larder/testkit";
import { expect, test } from "vitest";
import { buildApp, loadModels, type ModelEvent } from "../../src/index.ts";
import { scaleModel } from "../support/scale-model.ts";

const YAML = (path: string, more = "") => `
project: test
online_store: { type: memory }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views: [{ name: v, entity: customer, features: [{ name: value, type: float32 }] }]
feature_services: [{ name: s, features: ["v:value"] }]
models: [{ name: m, path: ${path}, feature_service: s, ${more} prediction: { name: p, output: scaled } }]
`;

/** Longer than any look that a test could wait for: files are followed by `load` only. */
const NEVER = 3_600_000;

/** Files in a folder, and a server on one model of them. */
async function open(
  path: string,
  files: Readonly<Record<string, Buffer | string>>,
  { pollMs = NEVER, more = "" } = {},
) {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder());
  const put = async (name: string, content: Buffer | string): Promise<void> => {
    const file = join(folder.path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.part`, content);
    await rename(`${file}.part`, file);
  };
  for (const [name, content] of Object.entries(files)) await put(name, content);
  const definitions: Definitions = parseDefinitions(YAML(path, more), {
    file: join(folder.path, "feature_store.yaml"),
    env: {},
  });
  const clock = logicalClock();
  const events: ModelEvent[] = [];
  const store = opened.use(await openOnlineStore(definitions, { clock }));
  const models = opened.use(await loadModels(definitions, { pollMs, onEvent: (event) => void events.push(event) }));
  const app = opened.use(await buildApp({ definitions, store, models, clock }));
  const post = async (url: string, body: object = {}) => {
    const response = await app.inject({ method: "POST", url, body });
    return { status: response.statusCode, body: response.json() };
  };
  const get = async (url: string) => {
    const response = await app.inject({ method: "GET", url });
    return { status: response.statusCode, body: response.json() };
  };
  const df = { customer_id: [1, 2], value: [1, 3], event_timestamp: ["2024-01-01", "2024-01-01"] };
  expect((await post("/push", { push_source_name: "v", df })).status).toBe(200);
  const rows = { entity_rows: [{ customer_id: 1 }, { customer_id: 2 }] };
  const closing = opened.move();
  return {
    put,
    remove: (name: string) => rm(join(folder.path, name), { recursive: true }),
    models,
    events,
    get,
    post,
    /** Predictions for 1 and 3, and what answered. */
    predict: async (url = "/predict") => {
      const { status, body } = await post(url, rows);
      if (status !== 200) return { status, code: body.code };
      const { version, checksum } = body.metadata;
      return { answers: body.predictions.map(({ p }: { p: number }) => p), version, checksum };
    },
    metrics: async () => (await app.inject({ method: "GET", url: "/metrics" })).body,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

test("versions in a folder are served side by side, the greatest number by default, and every answer says which", async () => {
  const files = { "m/2/model.onnx": scaleModel(2), "m/10/any.onnx": scaleModel(3), "m/9/README": "", "m/note": "" };
  await expect(open("m", files)).rejects.toMatchObject({ code: "MODEL_UNREADABLE" });
  const { "m/9/README": _, ...whole } = files;
  await using at = await open("m", { ...whole, "m/1/model.onnx": scaleModel(1) });
  const ten = { answers: [8, 24], version: "10", checksum: sha256(scaleModel(3)) };
  expect(await at.predict()).toEqual(ten);
  expect(await at.predict("/models/m/predict")).toEqual(ten);
  expect(await at.predict("/models/m/versions/10/predict")).toEqual(ten);
  const two = { answers: [4, 12], version: "2", checksum: sha256(scaleModel(2)) };
  expect(await at.predict("/models/m/versions/2/predict")).toEqual(two);
  // Two versions by default.
  expect(await at.predict("/models/m/versions/1/predict")).toEqual({ status: 404, code: "UNKNOWN_MODEL" });
  expect(await at.predict("/models/nope/versions/1/predict")).toEqual({ status: 404, code: "UNKNOWN_MODEL" });

  expect((await at.get("/models")).body).toEqual({
    models: [
      {
        name: "m",
        feature_service: "s",
        predictions: ["p"],
        current: "10",
        unloaded: false,
        versions: [
          { version: "2", state: "READY", checksum: two.checksum },
          { version: "10", state: "READY", checksum: ten.checksum },
        ],
      },
    ],
  });
  const states = [
    { name: "m", version: "2", state: "READY", reason: "" },
    { name: "m", version: "10", state: "READY", reason: "" },
  ];
  expect((await at.get("/v2/models")).body).toEqual({ models: ["m"], states });
  expect((await at.post("/v2/repository/index")).body).toEqual(states);
  const metadata = {
    name: "m",
    versions: ["2", "10"],
    platform: "onnxruntime_onnx",
    inputs: [{ name: "value", datatype: "FP32", shape: [-1, 1] }],
    outputs: [{ name: "scaled", datatype: "FP32", shape: [-1, 1] }],
  };
  expect((await at.get("/v2/models/m")).body).toEqual({
    ...metadata,
    parameters: { version: "10", checksum: ten.checksum, feature_service: "s" },
  });
  expect((await at.get("/v2/models/m/versions/2")).body).toEqual({
    ...metadata,
    parameters: { version: "2", checksum: two.checksum, feature_service: "s" },
  });
  expect((await at.get("/v2/models/m/versions/2/ready")).body).toEqual({ name: "m", ready: true });
  expect((await at.get("/v2/models/m/versions/3/ready")).status).toBe(404);
});

test("a new file is followed by itself; requests under way and after it all succeed, each by one version alone", async () => {
  await using at = await open("m.onnx", { "m.onnx": scaleModel(0) }, { pollMs: 5 });
  const checksums = [0, 1, 2, 3].map((doublings) => sha256(scaleModel(doublings)));
  const seen = new Set<string>();
  let done = false;
  const ask = async (): Promise<void> => {
    while (!done) {
      const { answers, checksum, ...refused } = await at.predict();
      const scale = 2 ** checksums.indexOf(checksum);
      expect([refused, answers]).toEqual([{ version: "1" }, [scale, 3 * scale]]);
      seen.add(checksum);
    }
  };
  const asking = Promise.all([ask(), ask(), ask(), ask()]);
  try {
    for (const doublings of [1, 2, 3]) {
      await at.put("m.onnx", scaleModel(doublings));
      const checksum = checksums[doublings]!;
      await until(30_000, `version ${doublings} answers`, async () => seen.has(checksum));
    }
  } finally {
    done = true;
    await asking;
  }
  expect(seen.size).toBe(4);
  expect(at.events.map(({ kind }) => kind)).toEqual(["loaded", "loaded", "loaded", "loaded"]);
});

test("a borrowed version answers until it is released, whatever becomes of the model", async () => {
  await using at = await open("m.onnx", { "m.onnx": scaleModel(1) });
  const lease = at.models.acquire("m");
  await at.put("m.onnx", scaleModel(2));
  await at.models.load("m");
  await at.models.unload("m");
  const { runner } = lease.predictor.model;
  const feeds = new Map([["value", { type: "float32", data: new Float32Array([5]), dims: [1, 1] } as const]]);
  const call = { rowwise: false, deadline: performance.now() + 30_000, signal: new AbortController().signal };
  const [tensor] = await runner.run(feeds, ["scaled"], call);
  expect([...(tensor?.data ?? [])]).toEqual([10]);
  lease.release();
  lease.release();
  await expect(runner.run(feeds, ["scaled"], call)).rejects.toMatchObject({ code: "MODEL_NOT_READY" });
});

test.each([
  ["no ONNX", Buffer.from("garbage"), "MODEL_UNREADABLE"],
  ["half of one", scaleModel(2).subarray(0, 60), "MODEL_UNREADABLE"],
  [
    "a model of other outputs",
    Buffer.from(scaleModel(2).toString("latin1").replaceAll("scaled", "skaled"), "latin1"),
    "MODEL_MISMATCH",
  ],
])("a file that is %s changes nothing for callers, is said once, and a good one cures it", async (_name, bad, code) => {
  await using at = await open("m.onnx", { "m.onnx": scaleModel(1) }, { pollMs: 5 });
  const before = await at.predict();
  await at.put("m.onnx", bad);
  await until(30_000, "the bad file is found", async () => at.events.length > 1);
  expect(at.events[1]).toMatchObject({ kind: "failed", name: "m", version: "1", kept: true, error: { code } });
  expect(await at.predict()).toEqual(before);
  const refused = await at.post("/v2/repository/models/m/load");
  expect([refused.status, JSON.stringify(refused.body)]).toEqual([500, expect.stringContaining(code)]);
  expect(await at.predict()).toEqual(before);
  expect((await at.post("/v2/repository/index", { ready: true })).body).toEqual([
    { name: "m", version: "1", state: "READY", reason: code },
  ]);
  expect(at.events.filter(({ kind }) => kind === "failed")).toHaveLength(1);
  const metrics = await at.metrics();
  expect(metrics).toContain('larder_model_loads_total{model="m",status="loaded"} 1\n');
  expect(metrics).toContain('larder_model_loads_total{model="m",status="failed"} 2\n');
  expect(metrics).toContain('larder_model_ready{model="m",version="1"} 1\n');
  expect((await at.get("/readyz")).status).toBe(200);

  await at.put("m.onnx", scaleModel(3));
  await until(30_000, "the good file answers", async () => at.events.at(-1)?.kind === "loaded");
  expect(await at.predict()).toMatchObject({ answers: [8, 24] });
  expect((await at.get("/models")).body.models[0].versions[0].reason).toBeUndefined();
});

test("versions come and go with their folders, an incomplete one waits, and a model is never left without any", async () => {
  await using at = await open("m", { "m/1/model.onnx": scaleModel(1) }, { pollMs: 5 });
  await at.put("m/2/readme", "soon");
  await until(30_000, "the folder is found", async () => at.events.some(({ kind }) => kind === "failed"));
  expect((await at.get("/v2/models")).body.states).toEqual([
    { name: "m", version: "1", state: "READY", reason: "" },
    { name: "m", version: "2", state: "UNAVAILABLE", reason: "MODEL_UNREADABLE" },
  ]);
  expect(await at.predict("/models/m/versions/2/predict")).toEqual({ status: 503, code: "MODEL_NOT_READY" });
  expect(await at.predict()).toMatchObject({ version: "1" });
  await at.put("m/2/model.onnx", scaleModel(2));
  await until(30_000, "version 2 answers", async () => (await at.predict()).version === "2");
  await at.put("m/3/model.onnx", scaleModel(3));
  await until(30_000, "version 3 answers", async () => (await at.predict()).version === "3");
  await until(30_000, "version 1 is gone", async () => at.events.at(-1)?.kind === "unloaded");
  expect(await at.predict("/models/m/versions/1/predict")).toEqual({ status: 404, code: "UNKNOWN_MODEL" });
  await at.remove("m/3");
  await until(30_000, "version 2 answers again", async () => (await at.predict()).version === "2");
  await at.remove("m");
  await until(30_000, "the folder is missed", async () => at.models.state("m").problem !== undefined);
  expect(await at.predict()).toMatchObject({ version: "2", answers: [4, 12] });
});

test("an unloaded model is 503 for its callers and holds up nobody else; a load brings it back", async () => {
  await using at = await open("m.onnx", { "m.onnx": scaleModel(1) });
  const gone = await at.post("/v2/repository/models/m/unload", { parameters: { unload_dependents: false } });
  expect(gone).toMatchObject({ status: 200, body: { name: "m", current: null, unloaded: true, versions: [] } });
  expect(await at.predict()).toEqual({ status: 503, code: "MODEL_NOT_READY" });
  expect((await at.get("/v2/models/m")).status).toBe(503);
  expect((await at.get("/v2/models/m/ready")).status).toBe(503);
  expect((await at.post("/v2/repository/index")).body).toEqual([
    { name: "m", version: "", state: "UNAVAILABLE", reason: "unloaded" },
  ]);
  expect((await at.get("/readyz")).status).toBe(200);
  expect((await at.post("/v2/repository/models/m/load", { parameters: { config: "{}" } })).status).toBe(422);
  expect((await at.post("/v2/repository/models/nope/load")).status).toBe(404);
  expect(await at.post("/v2/repository/models/m/load")).toMatchObject({ status: 200, body: { current: "1" } });
  expect(await at.predict()).toMatchObject({ answers: [2, 6] });
});

const MLMODEL = (flavors: string) => `artifact_path: model\nflavors:\n${flavors}\nrun_id: 0123abcd\n`;
const ONNX = "  onnx: { onnx_version: 1.16.0, data: model.onnx }\n  python_function: { loader_module: mlflow.onnx }";

test("an MLflow folder is served by its onnx flavour", async () => {
  await using at = await open("m", { "m/MLmodel": MLMODEL(ONNX), "m/model.onnx": scaleModel(2) });
  expect(await at.predict()).toMatchObject({ version: "1", answers: [4, 12] });
});

test.each([
  [
    "another flavour only",
    MLMODEL("  sklearn: { pickled_model: model.pkl }"),
    "the flavours sklearn, and onnx is none",
  ],
  ["no flavours", "run_id: x\n", "has no flavour"],
  ["no data", MLMODEL("  onnx: { onnx_version: 1.16.0 }"), "flavors.onnx.data"],
  ["a file outside", MLMODEL("  onnx: { data: ../../m.onnx }"), "outside its folder"],
  ["no file", MLMODEL("  onnx: { data: other.onnx }"), "other.onnx cannot be read"],
  ["no YAML", "flavors: [", "MLmodel cannot be read"],
  ["a billion laughs", "a: &a [x]\nflavors: [*a]\n", "MLmodel cannot be read"],
])("an MLflow folder with %s is MODEL_UNREADABLE and says so", async (_name, mlmodel, what) => {
  const failure = open("m", { "m/MLmodel": mlmodel, "m/model.onnx": scaleModel(2) });
  await expect(failure).rejects.toMatchObject({ code: "MODEL_UNREADABLE", message: expect.stringContaining(what) });
});
