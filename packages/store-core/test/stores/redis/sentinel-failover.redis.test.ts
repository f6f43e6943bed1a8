import { redisCommand, startLeakCheck, startSentinel, until } from "@larder/testkit";
import { afterAll, expect, test } from "vitest";
import { CALL, get, openStore, put, row, SCOPE } from "./harness.ts";
import { startLoad, versions } from "./load.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

const READ_MS = 300;
const WRITE_MS = 500;
const DEADLINES = { readDeadlineMs: READ_MS, writeDeadlineMs: WRITE_MS };

function keysOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name}${i}`);
}

test("a primary that is made a replica by hand is left for the new one, and never read as if it were one", async () => {
  await using sentinel = await startSentinel();
  const place = { redisType: "redis_sentinel", sentinelMaster: sentinel.master, ...DEADLINES } as const;
  const store = await openStore(sentinel, place);
  expect(await put(store, row({}))).toEqual(["applied"]);
  await until(5_000, "the row is replicated", async () => (await redisCommand(sentinel.replica.port, "DBSIZE")) === 1);
  await redisCommand(sentinel.sentinels[0]?.port ?? 0, "SENTINEL", "FAILOVER", sentinel.master);
  const load = startLoad(store, [keysOf("x", 3)]);
  await until(20_000, "the replica is primary", async () => (await sentinel.primaryPort()) === sentinel.replica.port);
  await load.progress(20);
  await load.stop();
  expect(await versions(store, keysOf("x", 3))).toEqual(keysOf("x", 3).map((key) => load.acknowledged.get(key)));
  expect((await get(store, ["1"]))[0]).toBeDefined();
  await store.close();
});

test("a primary told to write only with replicas refuses without them, and reads go on", async () => {
  await using sentinel = await startSentinel({
    args: ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "10"],
  });
  const store = await openStore(sentinel, { redisType: "redis_sentinel", sentinelMaster: sentinel.master });
  expect(await put(store, row({}))).toEqual(["applied"]);
  await sentinel.replica.kill();
  await until(10_000, "the primary misses it", async () =>
    String(await redisCommand(sentinel.primary.port, "INFO", "replication")).includes("connected_slaves:0"),
  );
  await expect(store.putIfNewer(SCOPE, [row({ entityKey: "2" })], CALL)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    facts: { reply: "NOREPLICAS" },
  });
  expect(await get(store, ["1", "2"])).toEqual([expect.any(String), undefined]);
  await store.close();
});
