import { type RedisCluster, startLeakCheck, startRedisCluster } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RowStore } from "../../../src/row-store.ts";
import { keySlot } from "../../../src/stores/redis/key-slot.ts";
import { CALL, get, openStore, put, row, SCOPE } from "./harness.ts";
import { startLoad, versions } from "./load.ts";

const leaks = startLeakCheck();
let cluster: RedisCluster;
let store: RowStore;

beforeAll(async () => {
  cluster = await startRedisCluster();
  store = await openStore(cluster, { redisType: "redis_cluster" });
});

afterAll(async () => {
  await store?.close();
  await cluster?.stop();
  await leaks.assertNothingLeft();
});

/** Entity keys whose rows all lie in one slot. */
function keysOfSlot(slot: number, count: number): string[] {
  const keys: string[] = [];
  for (let i = 0; keys.length < count; i++) if (keySlot(`${i}`) === slot) keys.push(`${i}`);
  return keys;
}

/** A slot of the first primary. */
const SLOT = 1_000;

test("a slot that moves under load, key by key and back: no call fails, and none sees an old row", async () => {
  const moving = keysOfSlot(SLOT, 30);
  const others = Array.from({ length: 20 }, (_, i) => `other${i}`);
  // Pairs, so that some batches lie on both nodes in the middle; one batch over all nodes.
  const load = startLoad(store, [moving.slice(0, 10), moving.slice(10, 12), moving.slice(12, 13), others]);
  await load.progress(5);
  for (const [from, to] of [
    [0, 2],
    [2, 0],
  ] as const) {
    await cluster.startMove(SLOT, from, to);
    await load.progress(3);
    // New rows come to a slot that is on its way, too.
    const fresh = moving.slice(13 + from * 5, 18 + from * 5);
    await store.putIfNewer(
      SCOPE,
      fresh.map((entityKey) => row({ entityKey })),
      CALL,
    );
    expect((await get(store, fresh)).every((cell) => cell !== undefined)).toBe(true);
    while ((await cluster.moveKeys(SLOT, from, to, 2)) > 0) await load.progress(3);
    await load.progress(3);
    await cluster.endMove(SLOT, from, to);
    await load.progress(10);
  }
  await load.stop();
  expect(load.failures).toEqual({ writes: 0, reads: 0 });
  expect(load.staleReads).toEqual([]);
  const keys = [...load.acknowledged.keys()];
  expect(await versions(store, keys)).toEqual(keys.map((key) => load.acknowledged.get(key)));
});

test("rows of a slot on its way are found once and removed, wherever they lie", async () => {
  const scope = { project: "churn", tenant: "moving" };
  const call = { tenant: "moving" };
  const keys = keysOfSlot(SLOT + 1, 12);
  await store.putIfNewer(
    { ...scope, view: "v" },
    keys.map((entityKey) => row({ entityKey })),
    call,
  );
  await cluster.startMove(SLOT + 1, 0, 1);
  expect(await cluster.moveKeys(SLOT + 1, 0, 1, 5)).toBe(5);
  const seen: string[] = [];
  for await (const { entityKey } of store.scan(scope, call)) seen.push(entityKey);
  expect(seen.sort()).toEqual([...keys].sort());
  expect(await store.deleteScope({ ...scope, view: "v", entityKey: keys[0] as string }, call)).toBe(1);
  expect(await store.deleteScope(scope, call)).toBe(keys.length - 1);
  while ((await cluster.moveKeys(SLOT + 1, 0, 1, 10)) > 0);
  await cluster.endMove(SLOT + 1, 0, 1);
  expect(await put(store, row({ entityKey: keys[0] as string }))).toEqual(["applied"]);
});

test("a store that opens after the move finds the slot where it is", async () => {
  const late = await openStore(
    { connectionString: cluster.connectionString.split(",")[2] ?? "" },
    { redisType: "redis_cluster" },
  );
  const [key = ""] = keysOfSlot(SLOT + 1, 1);
  expect((await get(late, [key]))[0]).toBeDefined();
  await late.close();
});
