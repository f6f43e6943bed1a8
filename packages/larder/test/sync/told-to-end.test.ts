import { LarderError } from "@larder/schema";
import { expect, test } from "vitest";
import { sync } from "../../src/sync.ts";
import { createProject } from "../project.ts";

test("a sync that is told to end while it begins ends in good order", async () => {
  await using project = await createProject(`project: test
online_store: { type: sqlite, path: online.db }
stream: { type: kafka, brokers: ["nowhere.invalid:9092"] }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - { name: scores, entity: customer, features: [{ name: score, type: float64 }], stream: { topic: scores } }
`);
  const stop = new AbortController();
  stop.abort(new LarderError("ABORTED", { what: "Stopped by SIGTERM", remedy: "None" }));
  const told: string[] = [];
  const file = project.path("feature_store.yaml");
  await sync({ file, env: {}, signal: stop.signal, host: undefined, port: 0, onListening: (url) => told.push(url) });
  expect(told).toEqual([]);
});
