import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateTypes, loadDefinitions, systemClock } from "@larder/schema";
import { buildApp, loadModels } from "@larder/serving";
import { openOnlineStore } from "@larder/store-core";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { FeatureStore } from "../../src/index.ts";
import { createClient } from "../typed/larder.client.gen.ts";

const TYPED = join(import.meta.dirname, "..", "typed");

test("the client that the tests compile against is fresh: `larder codegen --client -f packages/larder/test/typed/feature_store.yaml`", async () => {
  const generated = await readFile(join(TYPED, "larder.client.gen.ts"), "utf8");
  expect(generated).toBe(generateTypes(await loadDefinitions(join(TYPED, "feature_store.yaml")), "client"));
});

test("what a client pushes, it and the embedded API read alike: values, statuses and times", async () => {
  await using world = await openWorld();
  const client = createClient({ url: world.url, int64: "bigint" });
  const time = new Date();
  const written = await client.push("plans", [
    {
      customer_id: 1n,
      price: "9007199254740993",
      plan: "a",
      invoices: [8, 9_007_199_254_740_995n],
      active: true,
      event_timestamp: time,
    },
    { customer_id: 2, price: 7, plan: null, invoices: [], active: false, event_timestamp: time },
  ]);
  expect(written.views).toMatchObject([{ feature_view: "plans", rows: 2, applied: 2 }]);
  await client.push("sales", [
    {
      country: "NO",
      number: 7,
      turnover: 1.5,
      opened: new Date(1_700_000_000_000),
      logo: new Uint8Array([0, 255]),
      event_timestamp: time,
    },
  ]);
  await client.push("sales", [{ country: "NO", number: 8, deleted: true, event_timestamp: time }]);

  const request = {
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
      { customer_id: 1, country: "NO", number: 7 },
      { customer_id: 2n, country: "NO", number: 8 },
      { customer_id: "3", country: "SE", number: 7 },
    ],
  } as const;
  const overHttp = await client.getOnlineFeatures(request);
  await using embedded = await FeatureStore.open(world.file, { int64: "bigint" });
  const here = await embedded.getOnlineFeatures(request);
  expect(overHttp.toRows()).toEqual(here.toRows());
  expect(overHttp.toDict()).toEqual(here.toDict());
  expect(overHttp.statuses).toEqual(here.statuses);
  expect(overHttp.eventTimestamps).toEqual(here.eventTimestamps);
  expect(overHttp.toRows()[0]).toMatchObject({
    price: 9007199254740993n,
    invoices: [8n, 9007199254740995n],
    opened: 1700000000n,
  });
  expect(overHttp.statuses.plan).toEqual(["PRESENT", "NULL_VALUE", "NOT_FOUND"]);
});

test("a feature service answers by its own names, aliases and types", async () => {
  await using world = await openWorld();
  const client = createClient({ url: world.url, int64: "bigint", tenant: "acme" });
  const time = new Date();
  await client.push("plans", [
    { customer_id: 1, price: 1, plan: "a", invoices: [4], active: true, event_timestamp: time },
    { customer_id: 2, price: 1, plan: "b", invoices: [5], active: true, event_timestamp: time },
  ]);
  await client.push("rates", [{ euro: 0.5, event_timestamp: time }]);
  const pair = await client.getOnlineFeatures({
    featureService: "pair",
    entityRows: [{ customer_id: 1, partner_id: 2 }],
    fullFeatureNames: true,
  });
  expect(pair.toRows()).toEqual([
    { customer_id: 1, partner_id: 2, plans__plan: "a", plans__invoices: [4n], partner__plan: "b", rates__euro: 0.5 },
  ]);
  const elsewhere = createClient({ url: world.url });
  const none = await elsewhere.getOnlineFeatures({ features: ["plans:price"], entityRows: [{ customer_id: 1 }] });
  expect(none.toRows(), "of another tenant").toEqual([{ customer_id: 1, price: null }]);
});

test("an integer that a number cannot hold is refused, naming the option", async () => {
  await using world = await openWorld();
  const client = createClient({ url: world.url });
  await client.push("plans", [
    { customer_id: 1, price: 2n ** 53n + 1n, plan: "a", invoices: [], active: true, event_timestamp: new Date() },
  ]);
  const reading = client.getOnlineFeatures({ features: ["plans:price"], entityRows: [{ customer_id: 1 }] });
  await expect(reading).rejects.toMatchObject({ code: "UNSAFE_INTEGER", message: expect.stringContaining("int64") });
});

test("deleting hides rows up to its time", async () => {
  await using world = await openWorld();
  const client = createClient({ url: world.url });
  const time = BigInt(Date.now()) * 1000n + 7n;
  await client.push("rates", [{ euro: 0.5, event_timestamp: time }]);
  await client.push("plans", [
    { customer_id: 1, price: 1, plan: "a", invoices: [], active: true, event_timestamp: time },
  ]);
  const gone = await client.delete({ view: "plans", entityRows: [{ customer_id: 1 }], eventTimestamp: time });
  expect(gone.views).toMatchObject([{ applied: 1 }]);
  const features = await client.getOnlineFeatures({ features: ["plans:plan"], entityRows: [{ customer_id: 1 }] });
  expect(features.statuses).toEqual({ plan: ["NOT_FOUND"] });
});

test("what the server refuses is thrown with its code, field and remedy", async () => {
  await using world = await openWorld();
  const client = createClient({ url: world.url });
  const reading = client.getOnlineFeatures({
    featureService: "plans_v1",
    // @ts-expect-error: no such join key
    entityRows: [{ customer: 1 }],
  });
  await expect(reading).rejects.toMatchObject({
    code: "INVALID_REQUEST",
    facts: { status: 422, request_id: expect.stringMatching(/./), field: expect.stringContaining("customer_id") },
    remedy: expect.stringMatching(/./),
    retryable: false,
  });
});

/** A server on a SQLite file, and the definitions it runs on. Their model has no file, and nothing here predicts. */
async function openWorld() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const yaml = await readFile(join(TYPED, "feature_store.yaml"), "utf8");
  const file = join(folder.path, "feature_store.yaml");
  await writeFile(
    file,
    yaml.replace("type: memory", "type: sqlite, deadline: 10s").replace(/^models:\n(?: .*\n)+/m, ""),
  );
  const definitions = await loadDefinitions(file);
  const store = stack.use(await openOnlineStore(definitions, { clock: systemClock }));
  const models = stack.use(await loadModels(definitions));
  const app = await buildApp({ definitions, store, models, clock: systemClock });
  stack.defer(() => app.close());
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return { url, file, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
