import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import type { Tensor } from "../../src/model/model-runner.ts";
import { ModelThreads } from "../../src/model/model-threads.ts";
import { readModelFile } from "../../src/model/onnx-runner.ts";
import { PooledRunner } from "../../src/model/pooled-runner.ts";
import { onnxFile } from "../support/onnx-file.ts";
import { openWorld } from "../support/world.ts";

const WIDTH = 8;
/** Enough that some ten thousand rows take a thread much longer than small requests take the event loop. */
const LAYERS = 150;

/** A model of a few tens of microseconds per row, each row by itself. */
const SLOW = onnxFile({
  inputs: [{ name: "x", type: "float32", shape: ["n", WIDTH] }],
  outputs: [{ name: "out", type: "float32", shape: ["n", WIDTH] }],
  nodes: Array.from({ length: LAYERS }, (_, layer) => ({
    op: layer % 2 === 0 ? "Sin" : "Cos",
    inputs: [layer === 0 ? "x" : `h${layer}`],
    outputs: [layer === LAYERS - 1 ? "out" : `h${layer + 1}`],
  })),
});

const FEATURES = Array.from({ length: WIDTH }, (_, at) => `f${at}`);

async function slowWorld(server = "") {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "slow.onnx");
  await writeFile(path, SLOW);
  const world = await openWorld(`
project: shop
online_store: { type: memory }
${server}
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
  - { name: v, entity: customer, features: [${FEATURES.map((name) => `{ name: ${name}, type: float32 }`).join(", ")}] }
feature_services:
  - { name: s, features: [${FEATURES.map((name) => `"v:${name}"`).join(", ")}] }
models:
  - { name: slow, path: ${path}, feature_service: s, prediction: { name: p, output: out, index: 0 } }
`);
  const df = {
    customer_id: [1, 2],
    event_timestamp: ["2023-12-31", "2023-12-31"],
    ...Object.fromEntries(FEATURES.map((name, at) => [name, [at, -at / 3]])),
  };
  const written = await world.post("/push", { push_source_name: "v", df });
  expect(written.statusCode, written.body).toBe(200);
  const predict = (rows: number) =>
    world.post("/predict", { entity_rows: Array.from({ length: rows }, (_, row) => ({ customer_id: 1 + (row % 2) })) });
  return Object.assign(world, { predict });
}

/** Turns of the event loop until it is so: the test goes on in the turn in which it came to be. */
async function turnsUntil(holds: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error("It did not come to be so within a minute.");
    await setImmediate();
  }
}

test("small requests are answered before a large one that came first, and a large one is the sum of its rows", async () => {
  await using world = await slowWorld();
  const order: string[] = [];
  const note = async (name: string, rows: number) => {
    const answer = await world.predict(rows);
    expect(answer.statusCode, answer.body.slice(0, 500)).toBe(200);
    order.push(name);
    return answer.json().predictions;
  };
  const large = note("large", 10_000);
  await turnsUntil(() => world.models.use().running === 1);
  const middle = note("middle", 2_000);
  for (const small of ["1", "2", "3", "4", "5"]) await note(small, 2);
  const [two] = await Promise.all([note("6", 2), middle]);
  const all = await large;
  expect(order.slice(-2)).toEqual(["middle", "large"]);
  expect(all).toHaveLength(10_000);
  expect(new Set(all.map((each: unknown) => JSON.stringify(each)))).toEqual(
    new Set(two.map((each: unknown) => JSON.stringify(each))),
  );
  expect([world.models.use().waiting, world.models.use().running]).toEqual([0, 0]);
});

test("a thread that is killed, or crashes, fails the request that it ran; another takes its place", async () => {
  await using world = await slowWorld();
  const gone = "MODEL_FAILED";
  // A thread that is ended inside the runtime takes the process with it, so it is killed before it has loaded that.
  process.once("worker", (worker: Worker) => void worker.terminate());
  const killed = await world.predict(10_000);
  expect(killed.statusCode).toBe(500);
  expect(killed.json().code).toBe(gone);

  const started = once(process, "worker");
  expect((await world.predict(10_000)).statusCode).toBe(200);
  const [thread] = (await started) as [Worker];
  const crashed = world.predict(10_000);
  await turnsUntil(() => world.models.use().running === 1);
  thread.postMessage(null); // No request: what reads it throws, behind the first of several parts.
  expect((await crashed).json().code).toBe(gone);
  expect((await world.predict(10_000)).statusCode).toBe(200);
  expect((await world.get("/metrics")).body).toContain("larder_model_threads_ended_total 2");
});

test("where as many wait as may, a further request is told to come back; one that left, and its place, are forgotten", async () => {
  await using world = await slowWorld("server: { model_queue: 2 }");
  const url = await world.app.listen();
  const first = world.predict(10_000);
  await turnsUntil(() => world.models.use().running === 1);
  const leaving = new AbortController();
  const left = fetch(`${url}/predict`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ entity_rows: Array.from({ length: 10_000 }, () => ({ customer_id: 1 })) }),
    signal: leaving.signal,
  });
  left.catch(() => undefined);
  await turnsUntil(() => world.models.use().waiting + world.models.use().running === 2);
  const refused = await world.predict(10_000);
  expect([refused.statusCode, refused.json().code]).toEqual([503, "MODEL_BUSY"]);
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  expect((await world.get("/metrics")).body).toMatch(/larder_model_queue_requests\{status="(waiting|running)"\} 1/);
  expect((await world.predict(1)).statusCode).toBe(200);

  leaving.abort();
  await expect(left).rejects.toThrow();
  expect((await first).statusCode).toBe(200);
  await turnsUntil(() => world.models.use().waiting + world.models.use().running === 0);
  expect((await world.predict(10_000)).statusCode).toBe(200);
});

const ROWS = 6_000;

async function openRunner(threads: ModelThreads): Promise<PooledRunner> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "slow.onnx");
  await writeFile(path, SLOW);
  return await PooledRunner.open(await readModelFile({ name: "slow", path }), threads);
}

function feedsOf(rows: number): ReadonlyMap<string, Tensor> {
  const data = Float32Array.from({ length: rows * WIDTH }, (_, at) => Math.fround(at / 7));
  return new Map([["x", { type: "float32", data, dims: [rows, WIDTH] }]]);
}

test("parts give what the whole gives; who gave up waiting is dropped; close fails what is under way and ends every thread", async () => {
  const threads = new ModelThreads({ threads: 1, queue: 10 });
  const runner = await openRunner(threads);
  try {
    await runner.measure([{ name: "x", type: "float32", width: WIDTH, rank: 2 }], ["out"], 100);
    expect(runner.inlineRows).toBeGreaterThan(0);
    const feeds = feedsOf(ROWS);
    const whole = runner.run(feeds, ["out"]);
    const leaving = new AbortController();
    const left = expect(runner.run(feeds, ["out"], { signal: leaving.signal })).rejects.toMatchObject({
      code: "ABORTED",
    });
    const late = expect(runner.run(feeds, ["out"], { deadline: performance.now() })).rejects.toMatchObject({
      code: "MODEL_BUSY",
    });
    const parts = runner.run(feeds, ["out"], { rowwise: true });
    leaving.abort();
    await Promise.all([left, late]);
    expect(threads.waiting).toBe(1);
    expect(await parts).toEqual(await whole);
    expect((await parts)[0]?.dims).toEqual([ROWS, WIDTH]);

    const wrong = new Map([["x", { type: "float32", data: new Float32Array(ROWS), dims: [ROWS, 1] }]] as const);
    await expect(runner.run(wrong, ["out"])).rejects.toMatchObject({ code: "MODEL_FAILED", facts: { input: true } });

    const stopped = expect(runner.run(feeds, ["out"])).rejects.toMatchObject({ code: "MODEL_NOT_READY" });
    await Promise.all([threads.close(), stopped]);
    await expect(runner.run(feeds, ["out"])).rejects.toMatchObject({ code: "MODEL_NOT_READY" });
  } finally {
    await threads.close();
    await runner.close();
  }
});
