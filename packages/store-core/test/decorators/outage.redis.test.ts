import {
  type Definitions,
  findService,
  findView,
  isLarderError,
  type OnStoreFailure,
  parseDefinitions,
  systemClock,
} from "@larder/schema";
import { createReadPlan, encodeEntityRows, type FeatureBatch, FieldStatus, openOnlineStore } from "@larder/store-core";
import { logicalClock, startRedis, startTcpProxy } from "@larder/testkit";
import { expect, test } from "vitest";

const SECOND = 1_000_000;
const STALE: OnStoreFailure = { policy: "stale", maxAge: 60 * SECOND, otherwise: "fail" };
const STALE_OR_DEFAULTS: OnStoreFailure = { policy: "stale", maxAge: 60 * SECOND, otherwise: "defaults" };
const DEFAULTS: OnStoreFailure = { policy: "defaults" };

function definitionsOf(connectionString: string, rest = ""): Definitions {
  return parseDefinitions(`
project: p
online_store: { type: redis, connection_string: "${connectionString}", deadline: 100ms, on_failure: stale ${rest} }
entities: [{ name: customer, join_keys: [{ name: id, type: int64 }] }]
feature_views:
  - { name: a, entity: customer, online_ttl: 50s, keep_stale: 1h, features: [{ name: x, type: float32, default: 7 }] }
  - { name: b, entity: customer, features: [{ name: s, type: string, default: none }, { name: big, type: int64 }] }
feature_services: [{ name: both, features: ["a:x", "b:s", "b:big"] }]
tenants: { default: {}, acme: {} }
`);
}

/** A store behind a road that can be broken, with rows for the ids 1 and 2. */
async function openShop(rest = "") {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedis());
  const proxy = opened.use(await startTcpProxy(redis));
  const definitions = definitionsOf(proxy.connectionString, rest);
  const clock = logicalClock(systemClock.now());
  const store = opened.use(await openOnlineStore(definitions, { clock }));
  const plan = createReadPlan(definitions, findService(definitions, "both").features, { fullFeatureNames: false });
  const row = (id: bigint, values: readonly (string | number | bigint)[]) => ({
    entityKey: [id],
    eventTime: clock.now(),
    createdTime: undefined,
    values,
  });
  const call = { tenant: "default" };
  await store.write(findView(definitions, "a"), [row(1n, [1]), row(2n, [2])], call);
  await store.write(findView(definitions, "b"), [row(1n, ["one", 2n ** 60n]), row(2n, ["two", 2n])], call);
  const read = (ids: readonly number[], onFailure: OnStoreFailure, tenant = "default") =>
    store.read(
      plan,
      encodeEntityRows(
        plan,
        ids.map((id) => ({ id })),
      ),
      { tenant },
      { onFailure },
    );
  const closing = opened.move();
  return { definitions, plan, proxy, clock, store, read, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

function rowsOf(batch: FeatureBatch) {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    batch.plan.columns.map((_c, column) => batch.value(row, column)),
  );
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (isLarderError(error)) return error.code;
    throw error;
  }
  return "answered";
}

test.each(["hang", "cut"] as const)(
  "with the store's road broken (%s), each policy answers as it says",
  async (fail) => {
    await using shop = await openShop();
    const fresh = await shop.read([1, 3], STALE);
    expect([fresh.degraded, fresh.source(0, 0)]).toEqual([false, "store"]);
    const readAt = shop.clock.now();
    shop.clock.advance(10 * SECOND);
    shop.proxy[fail]();

    // Known rows come back whole, known absences too.
    const stale = await shop.read([3, 1], STALE);
    expect(stale.degraded).toBe(true);
    expect(rowsOf(stale)).toEqual([
      [null, null, null],
      [1, "one", 2n ** 60n],
    ]);
    expect([stale.status(0, 0), stale.status(1, 0)]).toEqual([FieldStatus.NOT_FOUND, FieldStatus.PRESENT]);
    expect([stale.source(1, 0), stale.readAt(1, 0), stale.eventTime(1, 0)]).toEqual([
      "last_known_good",
      readAt,
      readAt,
    ]);

    // A key with nothing known follows `otherwise`; one tenant's memory is not another's.
    expect(await codeOf(shop.read([1, 2], STALE))).toMatch(/^STORE_(UNAVAILABLE|TIMEOUT)$/);
    expect(await codeOf(shop.read([1], STALE, "acme"))).toMatch(/^STORE_(UNAVAILABLE|TIMEOUT)$/);
    const mixed = await shop.read([1, 2], STALE_OR_DEFAULTS);
    expect(rowsOf(mixed)).toEqual([
      [1, "one", 2n ** 60n],
      [7, "none", null],
    ]);
    expect(mixed.status(1, 2)).toBe(FieldStatus.NOT_FOUND);
    expect([mixed.source(0, 1), mixed.source(1, 1), mixed.eventTime(1, 1)]).toEqual([
      "last_known_good",
      "default",
      undefined,
    ]);
    const floats = new Float32Array(2);
    mixed.fillFloat32(0, floats, 0, 1);
    expect([...floats]).toEqual([1, 7]);
    expect(rowsOf(await shop.read([1], DEFAULTS))).toEqual([[7, "none", null]]);
    expect(await codeOf(shop.read([1], { policy: "fail" }))).toMatch(/^STORE_(UNAVAILABLE|TIMEOUT)$/);
  },
);

test("a last known value still has its TTL, and is forgotten past max_age", async () => {
  await using shop = await openShop();
  await shop.read([1], STALE);
  shop.proxy.cut();
  shop.clock.advance(50 * SECOND);
  expect((await shop.read([1], STALE)).status(0, 0)).toBe(FieldStatus.PRESENT);
  shop.clock.advance(1);
  const past = await shop.read([1], STALE);
  expect([past.status(0, 0), past.value(0, 0), past.status(0, 1)]).toEqual([
    FieldStatus.OUTSIDE_MAX_AGE,
    null,
    FieldStatus.PRESENT,
  ]);
  shop.clock.advance(10 * SECOND - 1);
  expect((await shop.read([1], STALE)).degraded).toBe(true);
  shop.clock.advance(1);
  expect(await codeOf(shop.read([1], STALE))).toMatch(/^STORE_/);
});

test("the memory of last known values has a bound, and what was read longest ago goes first", async () => {
  await using shop = await openShop(", last_known_good: { max_bytes: 1200 }");
  await shop.read([1], STALE);
  for (let id = 10; id < 14; id++) await shop.read([id], STALE);
  await shop.read([2], STALE);
  shop.proxy.cut();
  expect(await codeOf(shop.read([1], STALE))).toMatch(/^STORE_/);
  expect(rowsOf(await shop.read([2], STALE))).toEqual([[2, "two", 2n]]);
});

test("writes never degrade", async () => {
  await using shop = await openShop();
  shop.proxy.hang();
  const view = findView(shop.definitions, "a");
  const row = { entityKey: [1n], eventTime: shop.clock.now(), createdTime: undefined, values: [1] };
  expect(await codeOf(shop.store.write(view, [row], { tenant: "default" }))).toMatch(/^STORE_/);
});

test("after five failures in a row a hung store is asked now and then, and the first answer closes the circuit", async () => {
  await using shop = await openShop();
  shop.proxy.hang();
  for (let i = 0; i < 5; i++) expect(await codeOf(shop.read([1], { policy: "fail" }))).toMatch(/^STORE_/);
  // Open: refused by the circuit. A store that were asked would miss its deadline instead, with STORE_TIMEOUT.
  const codes = await Promise.all(Array.from({ length: 200 }, () => codeOf(shop.read([1], { policy: "fail" }))));
  expect(new Set(codes)).toEqual(new Set(["STORE_UNAVAILABLE"]));
  shop.proxy.resume();
  const end = performance.now() + 15_000;
  while ((await codeOf(shop.read([1], { policy: "fail" }))) !== "answered") {
    if (performance.now() > end) throw new Error("The circuit did not close");
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(rowsOf(await shop.read([1], { policy: "fail" }))).toEqual([[1, "one", 2n ** 60n]]);
});

test("an impatient caller's own deadline opens the circuit for nobody", async () => {
  await using shop = await openShop();
  shop.proxy.delay(30);
  const keys = encodeEntityRows(shop.plan, [{ id: 1 }]);
  for (let i = 0; i < 8; i++) {
    const deadline = performance.now() + 5;
    expect(await codeOf(shop.store.read(shop.plan, keys, { tenant: "default", deadline }))).toBe("STORE_TIMEOUT");
  }
  shop.proxy.resume();
  expect(rowsOf(await shop.read([1], { policy: "fail" }))).toEqual([[1, "one", 2n ** 60n]]);
});

test("a write of several round trips, each in time, ends at its one deadline", async () => {
  await using shop = await openShop(", write_deadline: 150ms");
  const rows = Array.from({ length: 2_000 }, (_, i) => ({
    entityKey: [BigInt(i)],
    eventTime: shop.clock.now(),
    createdTime: undefined,
    values: [1],
  }));
  // Five rounds of batches, each 80 ms on this road.
  shop.proxy.delay(40);
  expect(await codeOf(shop.store.write(findView(shop.definitions, "a"), rows, { tenant: "default" }))).toBe(
    "STORE_TIMEOUT",
  );
});
