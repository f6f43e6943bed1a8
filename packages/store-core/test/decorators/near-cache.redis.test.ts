import { findFeature, isLarderError, systemClock } from "@larder/schema";
import { createReadPlan, encodeEntityRows, type OnlineStore } from "@larder/store-core";
import { startRedis, startTcpProxy, until } from "@larder/testkit";
import { expect, test } from "vitest";
import { CALL, definitionsOf, openShop } from "../signals/shop.ts";

/** Long enough that nothing in a test passes it: what is read anew is what a signal took away. */
const NEAR = ", near_cache: { max_age: 1h, max_bytes: 1MiB }";

function reader(definitions: ReturnType<typeof definitionsOf>, store: OnlineStore) {
  const plan = createReadPlan(definitions, [findFeature(definitions, "a:x")], { fullFeatureNames: false });
  return async (id: number) => {
    const batch = await store.read(plan, encodeEntityRows(plan, [{ id }]), CALL);
    return [batch.value(0, 0), batch.source(0, 0)];
  };
}

test("what another process writes, deletes or resets is seen soon, by its signal, and other rows stay known", async () => {
  await using server = await startRedis();
  const definitions = definitionsOf(server.connectionString, NEAR);
  await using near = await openShop(definitions);
  await using other = await openShop(definitionsOf(server.connectionString));
  const read = reader(definitions, near.store);
  await other.put([1, 2], 1);
  const becomes = (id: number, value: number | null) =>
    until(20_000, `row ${id} reads ${value}`, async () => (await read(id))[0] === value);
  await becomes(1, 1);
  let x = 1;
  // The subscription begins with a flush of its own, whenever that comes; from then on a signal takes away the row it names, and no other.
  await until(20_000, "row 1 is written and row 2 is still known", async () => {
    await read(2);
    await other.put([1], ++x);
    await becomes(1, x);
    return (await read(2))[1] === "near_cache";
  });
  await other.store.reset({ tenant: "default", view: "a", entityKey: "1" }, CALL);
  await becomes(1, null);
  // What this process writes is seen at once.
  await near.put([2], 9);
  expect((await read(2))[0]).toBe(9);
});

test("a road that breaks flushes it, and what was written meanwhile is seen when it is back", async () => {
  await using server = await startRedis();
  await using proxy = await startTcpProxy(server);
  const definitions = definitionsOf(proxy.connectionString, NEAR);
  await using near = await openShop(definitions);
  await using other = await openShop(definitionsOf(server.connectionString));
  const read = reader(definitions, near.store);
  await other.put([1], 1);
  await until(20_000, "a hit", async () => (await read(1))[1] === "near_cache");
  proxy.cut();
  await until(20_000, "it is flushed, and the store is away", async () => {
    const failure = await read(1).catch((error: unknown) => error);
    return isLarderError(failure, "STORE_UNAVAILABLE");
  });
  await other.put([1], 2);
  proxy.resume();
  await until(20_000, "the new row is read", async () => (await read(1))[0] === 2);
});

test("without the right to channels it goes by max_age alone", async () => {
  const rights = "-@all +@read +@write +@scripting +@connection +time ~l:p:* ~l::p:* resetchannels";
  await using server = await startRedis({ acl: ["user default on nopass ~* &* +@all", `user deaf on >pw ${rights}`] });
  const definitions = definitionsOf(
    `${server.connectionString},username=deaf,password=pw`,
    ", near_cache: { max_age: 300ms }",
  );
  await using near = await openShop(definitions, systemClock);
  await using other = await openShop(definitionsOf(server.connectionString));
  const read = reader(definitions, near.store);
  await other.put([1], 1);
  await until(20_000, "a hit", async () => (await read(1))[1] === "near_cache");
  await other.put([1], 2);
  await until(20_000, "the new row is read", async () => (await read(1))[0] === 2);
});

test("in Feast's layout rows are remembered whole: a read of one feature answers none of another wrongly", async () => {
  await using server = await startRedis();
  const definitions = definitionsOf(server.connectionString, `${NEAR}, layout: feast`, "{ default: {} }");
  await using near = await openShop(definitions);
  const view = definitions.views.get("wide");
  if (view === undefined) throw new Error("The view is not there");
  await near.store.write(
    view,
    [{ entityKey: [1n], eventTime: systemClock.now(), createdTime: undefined, values: [1, 2] }],
    CALL,
  );
  for (const [feature, value] of [
    ["wide:p", 1],
    ["wide:q", 2],
  ] as const) {
    const plan = createReadPlan(definitions, [findFeature(definitions, feature)], { fullFeatureNames: false });
    const batch = await near.store.read(plan, encodeEntityRows(plan, [{ id: 1 }]), CALL);
    expect(batch.value(0, 0)).toBe(value);
  }
});
