import { isLarderError } from "@larder/schema";
import { type RedisServer, startLeakCheck, startRedis, startTcpProxy } from "@larder/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Call } from "../../../src/call.ts";
import type { RowStore } from "../../../src/row-store.ts";
import { connectTarget } from "../../../src/stores/redis/connect-redis.ts";
import { CALL, cells, get, hex, openStore, put, rawClient, row, SCOPE } from "./harness.ts";

const leaks = startLeakCheck();
let server: RedisServer;
let store: RowStore | undefined;

beforeAll(async () => {
  server = await startRedis();
});

afterEach(async () => {
  await store?.close();
  store = undefined;
});

afterAll(async () => {
  await server?.stop();
  await leaks.assertNothingLeft();
});

const READ = { ...SCOPE, groups: [{ views: ["v"], entityKeys: ["1", "2"] }] };

/** Waits until `store` works again; the store reconnects by itself. */
async function recovered(reader: { ping(call: Call): Promise<unknown> }): Promise<void> {
  for (const end = performance.now() + 10_000; ; ) {
    try {
      await reader.ping(CALL);
      return;
    } catch (error) {
      if (performance.now() > end || !isLarderError(error, "STORE_UNAVAILABLE", "STORE_TIMEOUT")) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe("scripts", () => {
  test("a server that forgot its scripts gets them again, for reads, writes, meta and deletion", async () => {
    await using client = await rawClient(server);
    store = await openStore(server);
    for (const value of ["a", "b"]) {
      await client.script("FLUSH");
      expect(await put(store, row({ values: value }))).toMatchObject([/applied/]);
      await client.script("FLUSH");
      expect(await get(store, ["1", "2"])).toEqual([hex(row({ values: value })), undefined]);
    }
    await client.script("FLUSH");
    const entityKeys = Array.from({ length: 2500 }, (_, i) => `${i}`);
    const read = cells(await store.get({ ...SCOPE, groups: [{ views: ["v"], entityKeys }] }, CALL));
    expect(read[1]).toBe(hex(row({ values: "b" })));
    expect(read).toHaveLength(2500);
    await client.script("FLUSH");
    expect(await store.putMeta(SCOPE, "m", Buffer.from("x"), undefined, CALL)).toBeDefined();
    await client.script("FLUSH");
    expect(await store.deleteScope(SCOPE, CALL)).toBe(1);
  });
});

describe("a server that fails", () => {
  test("one that hangs costs a call its deadline, and a late answer harms nobody", async () => {
    store = await openStore(server, { readDeadlineMs: 60, writeDeadlineMs: 90 });
    await put(store, row({}));
    await server.kill("SIGSTOP");
    try {
      const started = performance.now();
      const calls = [
        store.get(READ, CALL),
        store.putIfNewer(SCOPE, [row({ values: "x" })], CALL),
        store.getMeta(SCOPE, "m", CALL),
        store.deleteScope(SCOPE, CALL),
        store.scan(SCOPE, CALL)[Symbol.asyncIterator]().next(),
        store.ping({ ...CALL, deadline: performance.now() + 30 }),
      ];
      for (const outcome of await Promise.allSettled(calls)) {
        expect(outcome).toMatchObject({ status: "rejected", reason: { code: "STORE_TIMEOUT", retryable: true } });
      }
      expect(performance.now() - started).toBeLessThan(5_000);
      const aborting = new AbortController();
      const call = store.get(READ, { ...CALL, signal: aborting.signal, deadline: performance.now() + 60_000 });
      aborting.abort(new Error("gone"));
      await expect(call).rejects.toMatchObject({ code: "ABORTED" });
    } finally {
      await server.kill("SIGCONT");
    }
    expect(await get(store, ["2", "9"])).toEqual([undefined, undefined]);
  });

  test("a call that has ended before it began asks nothing", async () => {
    store = await openStore(server);
    const past = store.ping({ ...CALL, deadline: performance.now() - 1 });
    await expect(past).rejects.toMatchObject({ code: "STORE_TIMEOUT" });
    const aborted = store.ping({ ...CALL, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("one that was killed fails calls at once, and serves again when it is back, empty", async () => {
    await using own = await startRedis();
    store = await openStore(own);
    await put(store, row({}));
    const underway = store.get(READ, CALL).catch((error: unknown) => error);
    await own.kill("SIGKILL");
    await underway;
    const started = performance.now();
    for (let i = 0; i < 100; i++) {
      await expect(store.get(READ, CALL)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    }
    expect(performance.now() - started).toBeLessThan(5_000);
    await own.restart();
    await recovered(store);
    expect(await get(store, ["1"])).toEqual([undefined]);
    expect(await put(store, row({}))).toEqual(["applied"]);
  });

  test("a connection cut under load fails what was under way and comes back", async () => {
    await using proxy = await startTcpProxy(server);
    store = await openStore(proxy);
    await put(store, row({ eventTime: 1 }));
    const expected = await get(store, ["1"]);
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: 200 }, () => (store as RowStore).get(READ, CALL));
      proxy.cut();
      for (const outcome of await Promise.allSettled(calls)) {
        if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "STORE_UNAVAILABLE" });
        else expect(cells(outcome.value)).toEqual([...expected, undefined]);
      }
      proxy.resume();
      await recovered(store);
    }
  });

  test("a read of any size is one round trip", async () => {
    await using proxy = await startTcpProxy(server);
    store = await openStore(proxy);
    const entityKeys = Array.from({ length: 3_000 }, (_, i) => `${i}`);
    await get(store, entityKeys);
    proxy.delay(500);
    const started = performance.now();
    await get(store, entityKeys);
    // One round trip takes a second on this road, two would take two.
    expect(performance.now() - started).toBeLessThan(1_900);
  });

  test("what waits for a server that does not answer is bounded", async () => {
    await using proxy = await startTcpProxy(server);
    store = await openStore(proxy, { writeDeadlineMs: 60_000 });
    proxy.hang();
    const rows = Array.from({ length: 100 }, (_, i) => row({ entityKey: `${i}`, values: "x".repeat(50_000) }));
    const calls = Array.from({ length: 9 }, () =>
      (store as RowStore).putIfNewer(SCOPE, rows, CALL).catch((error: unknown) => error),
    );
    const refused = { code: "STORE_UNAVAILABLE", message: expect.stringContaining("too far behind") };
    expect(await calls.at(-1)).toMatchObject(refused);
    proxy.resume();
    expect(await calls[0]).toHaveLength(100);
    await Promise.all(calls);
    expect(await get(store, ["nobody"])).toEqual([undefined]);
  });

  test("a primary that became a replica refuses writes as unavailable, until it is primary again", async () => {
    await using client = await rawClient(server);
    store = await openStore(server);
    await client.replicaof("127.0.0.1", "1");
    await expect(put(store, row({ entityKey: "new" }))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      facts: { reply: "READONLY" },
    });
    await client.replicaof("NO", "ONE");
    await recovered(store);
    expect(await put(store, row({ values: "primary" }))).toMatchObject([/applied/]);
  });

  test("a full server refuses writes as unavailable and still answers reads", async () => {
    await using own = await startRedis({ args: ["--maxmemory", "1mb", "--maxmemory-policy", "noeviction"] });
    store = await openStore(own);
    await expect(put(store, row({}))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", facts: { reply: "OOM" } });
    expect(await get(store, ["1", "2"])).toEqual([undefined, undefined]);
  });
});

test("a connection whose server owes answers too long is given up and made anew, also while it logs in", async () => {
  await using proxy = await startTcpProxy(server);
  const { host, port } = proxy;
  const login = { tls: undefined, db: 0, username: undefined, password: undefined };
  const target = { kind: "single", endpoint: { host, port }, login } as const;
  const connection = await connectTarget(target, { connectMs: 2_000, hangMs: 300 });
  const ping = async () => {
    const wait = { deadline: performance.now() + 10_000, signal: undefined };
    return String((await connection.exchange([["PING", []]], wait))[0]);
  };
  proxy.hang();
  const started = performance.now();
  await expect(ping()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(performance.now() - started).toBeLessThan(3_000);
  // The road still takes connections and answers none: each attempt to log in is given up, too.
  while (proxy.accepted < 4) await new Promise((resolve) => setImmediate(resolve));
  await expect(ping()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  proxy.resume();
  await recovered({ ping });
  expect(await ping()).toBe("PONG");
  await connection.close();
});

describe("close", () => {
  test("ends what waits and every later call with STORE_CLOSED, twice if asked", async () => {
    const closing = await openStore(server);
    await server.kill("SIGSTOP");
    const waiting = closing.get(READ, CALL).catch((error: unknown) => error);
    await closing.close();
    await closing.close();
    await server.kill("SIGCONT");
    expect(await waiting).toMatchObject({ code: "STORE_CLOSED" });
    const later = [
      closing.get(READ, CALL),
      closing.putIfNewer(SCOPE, [row({})], CALL),
      closing.deleteScope(SCOPE, CALL),
      closing.scan(SCOPE, CALL)[Symbol.asyncIterator]().next(),
      closing.getMeta(SCOPE, "m", CALL),
      closing.putMeta(SCOPE, "m", Buffer.from(""), undefined, CALL),
      closing.deleteMeta(SCOPE, "m", CALL),
      closing.ping(CALL),
    ];
    for (const outcome of await Promise.allSettled(later)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "STORE_CLOSED" } });
    }
  });

  test("leaves nothing behind while the server is away, whatever the connection was doing", async () => {
    await using own = await startRedis();
    const before = startLeakCheck();
    const stores = await Promise.all(Array.from({ length: 20 }, () => openStore(own)));
    await own.kill("SIGKILL");
    for (const each of stores) {
      await each.ping(CALL).catch(() => {});
      await each.close();
    }
    await before.assertNothingLeft(500);
  });

  test("an empty read and an empty batch of a closed store are refused, too", async () => {
    const closing = await openStore(server);
    await closing.close();
    await expect(closing.get({ ...SCOPE, groups: [] }, CALL)).rejects.toMatchObject({ code: "STORE_CLOSED" });
    await expect(closing.putIfNewer(SCOPE, [], CALL)).rejects.toMatchObject({ code: "STORE_CLOSED" });
  });
});
