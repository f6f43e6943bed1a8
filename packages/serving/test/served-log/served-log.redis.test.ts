import { join } from "node:path";
import { startRedis, startTcpProxy, until } from "@larder/testkit";
import { expect, test } from "vitest";
import { openModelWorld } from "../support/model-world.ts";
import { identityModel } from "../support/onnx-file.ts";
import { readLog } from "../support/read-log.ts";

const MODEL = identityModel([{ name: "x", type: "float32", shape: ["n", 1] }]);

const yaml = (redis: string) => `
project: test
online_store: { type: redis, connection_string: "${redis}", deadline: 100ms }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views: [{ name: ages, entity: customer, features: [{ name: age, type: float32, default: 40 }] }]
feature_services: [{ name: s, features: ["ages:age"] }]
models:
  - { name: fraud, path: m.onnx, feature_service: s, inputs: { x: ["ages:age"] }, prediction: { name: seen, output: x_out }, on_missing: default, on_store_failure: { policy: defaults } }
server: { served_log: { path: log, sample: 1, rotate_size: 20kB, rotate_after: 1s, max_pending: 50kB } }
`;

test("while erasures cannot be asked for, nothing is written: rows wait, further ones are dropped, requests are answered, and it catches up", async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis);
  await using world = await openModelWorld(yaml(proxy.connectionString), { "m.onnx": MODEL });
  const count = () => world.log?.use().rows.get("fraud") ?? { written: 0, erased: 0, full: 0, failed: 0 };
  const ask = async (rows: number) => {
    const entity_rows = Array.from({ length: rows }, (_, id) => ({ customer_id: id }));
    const { statusCode, body } = await world.post("/models/fraud/predict", { entity_rows });
    expect([statusCode, JSON.parse(body).predictions.length]).toEqual([200, rows]);
  };
  await ask(3);
  proxy.hang();
  await ask(400);
  const waiting = world.log?.use();
  expect(waiting?.pendingBytes).toBeGreaterThan(40_000);
  expect(waiting?.pendingBytes).toBeLessThan(55_000);
  expect(count().full).toBe(403 - (waiting?.pendingRows ?? 0));
  await until(30_000, "it has said so", async () => world.problems.length > 0);
  await ask(5);
  expect(count()).toMatchObject({ written: 0, failed: 0 });
  proxy.resume();
  await until(30_000, "what waited is written", async () => world.log?.use().pendingRows === 0);
  await world.log?.close();
  const rows = await readLog(join(world.folder, "log"));
  expect(rows).toHaveLength(count().written);
  expect(count().written + count().full).toBe(408);
  expect(rows.map((row) => row["degraded"]).slice(0, 5)).toEqual([false, false, false, true, true]);
});

test("a log that cannot ask for erasures at its end closes in its time, and counts what it loses", async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis);
  await using world = await openModelWorld(yaml(proxy.connectionString), { "m.onnx": MODEL }, 200);
  proxy.hang();
  expect((await world.post("/models/fraud/predict", { entity_rows: [{ customer_id: 1 }] })).statusCode).toBe(200);
  await world.log?.close();
  expect(world.log?.use().rows.get("fraud")).toEqual({ written: 0, erased: 0, full: 0, failed: 1 });
  expect(world.problems.at(-1)?.message).toContain("1 rows of the log of served vectors were not written");
  proxy.resume();
});
