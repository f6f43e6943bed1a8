import { readFile } from "node:fs/promises";
import { materialize } from "@larder/materializer";
import { findView, loadDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { expect } from "vitest";
import { forgetEntity } from "../src/forget-entity.ts";
import { pushRows } from "../src/push-rows.ts";
import { createTrainingSet } from "../src/training-set.ts";
import { PLANS, YAML } from "./definitions.ts";
import type { Project } from "./project.ts";

const WINDOW = { start: Date.UTC(2024, 0, 1) * 1000, end: Date.UTC(2024, 5, 1) * 1000 };

/**
 * A customer is forgotten: materialize does not bring it back though its rows are in Parquet, a later row does, and the receipt names what is left to
 * delete, without the key. `onlineStore` is the yaml's online_store.
 */
export async function forgetsForGood(project: Project, onlineStore: string): Promise<void> {
  const yaml = YAML.replace(/^online_store: .*$/m, `online_store: ${onlineStore}`);
  const streamed = `${yaml}stream: { type: kafka, brokers: ["localhost:9"], group_id: plans }\n`
    .replace("path: plans,", 'path: "plans/{tenant}",')
    .replace(/^( +)source: \{ path: "plans/m, "$1stream: { topic: plans }\n$&");
  await project.write("feature_store.yaml", streamed);
  for (const tenant of ["default", "acme"]) await project.parquet(`data/plans/${tenant}/a.parquet`, PLANS);
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  const parts = { definitions, store, clock: systemClock, settings: { leaseMs: 0, writeMs: 0 } };
  for (const tenant of ["default", "acme"]) await materialize(parts, { ...WINDOW, tenant });
  const held = async (tenant: string) => {
    const keys: string[] = [];
    for await (const { entityKey } of store.scan({ tenant }, { tenant })) keys.push(entityKey);
    return keys.sort();
  };

  await project.write("labels.csv", "customer_id,event_timestamp\n1,2024-06-01T00:00:00Z\n2,2024-06-01T00:00:00Z\n");
  await project.write("others.csv", "customer_id,event_timestamp\n2,2024-06-01T00:00:00Z\n");
  const train = (tenant: string, entities: string, out: string) =>
    createTrainingSet(definitions, {
      tenant,
      entities: project.path(entities),
      out: project.path(out),
      features: ["plans:price"],
    });
  await project.write("sets/broken.manifest.json", '{"format":"larder.training-set/1"');
  await train("default", "labels.csv", "sets/with.parquet");
  await train("default", "others.csv", "sets/without.parquet");
  await train("acme", "labels.csv", "sets/acme.parquet");

  const request = { tenant: "default", entity: { customer_id: 1 }, receipt: project.path("receipt.json") };
  await expect(forgetEntity(parts, { ...request, confirmed: false })).rejects.toMatchObject({
    code: "CONFIRMATION_REQUIRED",
    facts: { tenant: "default", rows: 1, views: ["plans"] },
  });
  await expect(readFile(request.receipt)).rejects.toMatchObject({ code: "ENOENT" });
  expect(await held("default")).toEqual(["1", "2"]);

  const receipt = await forgetEntity(parts, { ...request, confirmed: true });
  expect(receipt).toEqual({
    format: "larder.erasure/1",
    project: "shop",
    tenant: "default",
    join_keys: ["customer_id"],
    erased_at: expect.stringMatching(/^\d{4}-.*Z$/),
    markers: [expect.stringMatching(/^[0-9a-f]{32}$/)],
    rows: 1,
    views: [{ view: "plans", rows: 1, found: "key" }],
    offline: [{ view: "plans", source: "plans/{tenant}" }],
    streams: [{ view: "plans", topics: ["plans", "plans.dead-letter"] }],
    training_sets: [
      { manifest: project.path("sets/with.manifest.json"), file: project.path("sets/with.parquet"), rows: 1 },
    ],
    unread_training_sets: [
      { manifest: project.path("sets/broken.manifest.json"), reason: expect.stringContaining("no whole manifest") },
    ],
  });
  expect(JSON.parse(await readFile(request.receipt, "utf8"))).toEqual(receipt);
  // A receipt is never written over.
  await expect(forgetEntity(parts, { ...request, confirmed: true })).rejects.toMatchObject({
    code: "OUTPUT_UNWRITABLE",
  });
  expect(JSON.parse(await readFile(request.receipt, "utf8"))).toEqual(receipt);

  const again = await materialize(parts, { ...WINDOW, tenant: "default" });
  expect(again.totals).toMatchObject({ rows: 2, stale: 1, duplicate: 1, applied: 0 });
  expect([await held("default"), await held("acme")]).toEqual([["2"], ["1", "2"]]);
  // Training data is the user's own to delete from: joins stay as they are.
  await train("default", "labels.csv", "sets/after.parquet");
  expect(await readFile(project.path("sets/after.parquet"))).toEqual(await readFile(project.path("sets/with.parquet")));

  const later = { customer_id: 1, price: 5, plan: "new", invoices: [], event_timestamp: new Date() };
  const pushed = await pushRows(store, findView(definitions, "plans"), [later], { tenant: "default" });
  expect([pushed.outcomes, await held("default")]).toEqual([["applied"], ["1", "2"]]);
  const shown = await forgetEntity(parts, {
    tenant: "default",
    entity: { customer_id: 1n },
    confirmed: true,
    showKey: true,
  });
  expect(shown).toMatchObject({ entity: { customer_id: 1n }, markers: receipt.markers, rows: 1 });
}
