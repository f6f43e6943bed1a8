import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { generateTypes, loadDefinitions } from "@larder/schema";
import { expect, test } from "vitest";
import { FeatureStore } from "./larder.gen.ts";

const FILE = join(import.meta.dirname, "feature_store.yaml");

test("the file that the type tests compile against is fresh: `larder codegen -f packages/larder/test/typed/feature_store.yaml`", async () => {
  const generated = await readFile(join(import.meta.dirname, "larder.gen.ts"), "utf8");
  expect(generated).toBe(generateTypes(await loadDefinitions(FILE)));
});

test("values are at run time what the types say", async () => {
  await using store = await FeatureStore.open(FILE, { int64: "bigint" });
  const time = new Date();
  await store.push("plans", [
    { customer_id: 1, price: "7", plan: null, invoices: [8], active: true, event_timestamp: time },
  ]);
  await store.push("sales", [
    { country: "NO", number: 7, turnover: 1.5, logo: "AP8=", event_timestamp: time.getTime() },
    { country: "NO", number: 8, deleted: true, event_timestamp: time },
  ]);
  await store.push("rates", [{ euro: 0.5, event_timestamp: time }]);

  const listed = await store.getOnlineFeatures({
    features: [
      "plans:price",
      "plans:plan",
      "plans:invoices",
      "plans:active",
      "sales:turnover",
      "sales:opened",
      "sales:logo",
    ],
    entityRows: [
      { customer_id: 1n, country: "NO", number: 7 },
      { customer_id: 2n, country: "NO", number: 8 },
    ],
  });
  const none = { price: null, plan: null, invoices: null, active: null, turnover: null, opened: null, logo: null };
  expect(listed.toRows()).toEqual([
    {
      customer_id: 1n,
      country: "NO",
      number: 7,
      ...none,
      price: 7n,
      invoices: [8n],
      active: true,
      turnover: 1.5,
      logo: new Uint8Array([0, 255]),
    },
    { customer_id: 2n, country: "NO", number: 8, ...none },
  ]);
  expect([listed.statuses.plan, listed.statuses.opened]).toEqual([
    ["NULL_VALUE", "NOT_FOUND"],
    ["NOT_FOUND", "NOT_FOUND"],
  ]);

  const pair = await store.getOnlineFeatures({
    featureService: "pair",
    fullFeatureNames: true,
    entityRows: [{ customer_id: 2, partner_id: 1 }],
  });
  expect(pair.toRows()).toEqual([
    { customer_id: 2, partner_id: 1, plans__plan: null, plans__invoices: null, partner__plan: null, rates__euro: 0.5 },
  ]);
  expect([pair.statuses.plans__plan, pair.statuses.partner__plan]).toEqual([["NOT_FOUND"], ["NULL_VALUE"]]);
});
