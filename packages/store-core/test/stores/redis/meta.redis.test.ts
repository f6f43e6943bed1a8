import { type RedisServer, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { RowStore } from "../../../src/row-store.ts";
import { CALL, openStore, rawClient } from "./harness.ts";

let server: RedisServer;
let store: RowStore;
let other: RowStore;

beforeAll(async () => {
  server = await startRedis();
  store = await openStore(server);
  other = await openStore(server);
});

afterAll(async () => {
  await store?.close();
  await other?.close();
  await server?.stop();
});

beforeEach(async () => {
  await using client = await rawClient(server);
  await client.flushall();
});

const P = { project: "churn" };

test("a blob is written iff its revision is the expected one, and every write gives a new one", async () => {
  expect(await store.getMeta(P, "m", CALL)).toBeUndefined();
  const first = await store.putMeta(P, "m", Buffer.from("one"), undefined, CALL);
  expect(first).toMatch(/^\d+$/);
  expect(await other.getMeta(P, "m", CALL)).toEqual({ revision: first, bytes: new Uint8Array(Buffer.from("one")) });
  expect(await store.putMeta(P, "m", Buffer.from("two"), undefined, CALL)).toBeUndefined();
  expect(await store.putMeta(P, "m", Buffer.from("two"), "0", CALL)).toBeUndefined();
  const second = await other.putMeta(P, "m", Buffer.from("one"), first, CALL);
  expect(second).not.toBe(first);
  expect(await store.putMeta(P, "m", Buffer.from("three"), first, CALL)).toBeUndefined();
  expect((await store.getMeta(P, "m", CALL))?.revision).toBe(second);
});

test("any bytes, none among them, come back as they were", async () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (const bytes of [all, new Uint8Array(0), all.subarray(10, 20), new Uint8Array(300_000).fill(0x80)]) {
    const name = `m${bytes.length}`;
    await store.putMeta(P, name, bytes, undefined, CALL);
    expect((await store.getMeta(P, name, CALL))?.bytes).toEqual(new Uint8Array(bytes));
  }
});

test("a blob that was removed and written again never shows an old revision", async () => {
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const revision = (await store.putMeta(P, "m", Buffer.from("x"), undefined, CALL)) as string;
    expect(seen).not.toContain(revision);
    seen.add(revision);
    await store.deleteMeta(P, "m", CALL);
    expect(await store.putMeta(P, "m", Buffer.from("x"), revision, CALL)).toBeUndefined();
  }
  await store.deleteMeta(P, "m", CALL);
});

test("of many who increase a counter at once, none is lost", async () => {
  const increase = async (via: RowStore) => {
    for (;;) {
      const old = await via.getMeta(P, "n", CALL);
      const next = String(Number(Buffer.from(old?.bytes ?? "0").toString()) + 1);
      if ((await via.putMeta(P, "n", Buffer.from(next), old?.revision, CALL)) !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: 60 }, (_, i) => increase(i % 2 === 0 ? store : other)));
  expect(Buffer.from((await store.getMeta(P, "n", CALL))?.bytes ?? "").toString()).toBe("60");
});

test("scopes and names are kept apart, and meta never expires or meets a row", async () => {
  await using client = await rawClient(server);
  const scopes = [
    P,
    { project: "churn", tenant: "t" },
    { project: "churn", tenant: "t", view: "v" },
    { project: "churn", view: "v" },
    { project: "churn", tenant: "v" },
    { project: "churn:t" },
    { project: "*" },
  ];
  for (const scope of scopes) {
    for (const name of ["m", "n", "t:m", "*", ""]) {
      const text = JSON.stringify([scope, name]);
      expect(await store.putMeta(scope, name, Buffer.from(text), undefined, CALL), text).toBeDefined();
    }
  }
  for (const scope of scopes) {
    for (const name of ["m", "n", "t:m", "*", ""]) {
      const text = Buffer.from((await store.getMeta(scope, name, CALL))?.bytes ?? "").toString();
      expect(text).toBe(JSON.stringify([scope, name]));
    }
  }
  for (const tenant of ["t", "*", ":", "v"]) await store.deleteScope({ project: "churn", tenant }, CALL);
  const keys = await client.keys("*");
  expect(keys).toHaveLength(scopes.length * 5);
  for (const key of keys) expect(await client.pttl(key)).toBe(-1);
});

test("a key of another type is a clear error", async () => {
  await using client = await rawClient(server);
  await client.set("l::churn:::m", "foreign");
  await expect(store.getMeta(P, "m", CALL)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  await expect(store.putMeta(P, "m", Buffer.from("x"), undefined, CALL)).rejects.toMatchObject({
    code: "STORE_CORRUPT",
  });
  expect(await client.get("l::churn:::m")).toBe("foreign");
});
