import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDefinitions } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { logicalClock, temporaryFolder } from "@larder/testkit";
import pino from "pino";
import { expect, test } from "vitest";
import { buildApp, loadModels } from "../../src/index.ts";
import { onnxFile } from "../support/onnx-file.ts";

/** Picks the value at position `at` of the batch; fails where there is no such position. */
const GATHER = onnxFile({
  inputs: [
    { name: "value", type: "float32", shape: ["n", 1] },
    { name: "at", type: "int64", shape: ["n"] },
  ],
  outputs: [{ name: "picked", type: "float32", shape: ["n", 1] }],
  nodes: [{ op: "Gather", inputs: ["value", "at"], outputs: ["picked"] }],
});

const YAML = `
project: test
online_store: { type: memory }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - { name: picks, entity: customer, features: [{ name: value, type: float32 }, { name: at, type: int64 }] }
feature_services: [{ name: picks_v1, features: ["picks:value", "picks:at"] }]
models: [{ name: picker, path: gather.onnx, feature_service: picks_v1, prediction: { output: picked } }]
`;

test("a model that fails on an input is a 500 without internals, logged with its request and the runtime's words; the next request is served", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "gather.onnx"), GATHER);
  const definitions = parseDefinitions(YAML, { file: join(folder.path, "feature_store.yaml"), env: {} });
  const clock = logicalClock();
  const lines: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
  await using store = await openOnlineStore(definitions, { clock });
  await using models = await loadModels(definitions);
  await using app = await buildApp({ definitions, store, models, clock, logger });
  const df = { customer_id: [1, 2], value: [0.5, 1.5], at: [0, 7], event_timestamp: ["2024-01-01", "2024-01-01"] };
  const written = await app.inject({ method: "POST", url: "/push", body: { push_source_name: "picks", df } });
  expect(written.statusCode, written.body).toBe(200);
  const predict = (customer_id: number) =>
    app.inject({
      method: "POST",
      url: "/predict",
      headers: { "x-request-id": `order-${customer_id}` },
      body: { customer_id },
    });

  const failed = await predict(2);
  expect(failed.statusCode).toBe(500);
  expect(failed.json()).toEqual({
    type: "urn:larder:error:MODEL_FAILED",
    title: "Internal Server Error",
    status: 500,
    detail: "The model failed on this input",
    code: "MODEL_FAILED",
    remedy: "Look for request order-2 in the server's log",
    request_id: "order-2",
  });
  expect(lines).toMatchObject([{ level: 50, request_id: "order-2", code: "MODEL_FAILED", facts: { model: "picker" } }]);
  expect(JSON.stringify(lines)).toContain("Gather");

  expect((await predict(1)).json()).toEqual({ picker: 0.5 });
  expect((await predict(3)).json()).toMatchObject({ picker: null });
  expect(lines).toHaveLength(1);
});
