import { isLarderError } from "@larder/schema";
import { redisCommand, startRedis } from "@larder/testkit";
import { expect, test } from "vitest";
import type { StoredRow } from "../../../src/row-store.ts";
import { CALL, get, hex, NOW, openStore, row, SCOPE } from "./harness.ts";

const META = { project: SCOPE.project };

/** Rows of one kilobyte, those of higher numbers with a later end. */
function rowsFrom(from: number, expires: boolean): StoredRow[] {
  return Array.from({ length: 100 }, (_, i) =>
    row({
      entityKey: String(from + i),
      values: "x".repeat(1_000),
      ...(expires ? { expiresAt: NOW + (from + i) * 1_000_000 } : {}),
    }),
  );
}

test("under volatile-ttl a full server drops rows with a TTL, never meta nor rows without one, and reads are right or absent", async () => {
  // Room for about 6,000 such rows above what an empty server takes.
  await using server = await startRedis({ args: ["--maxmemory", "10mb", "--maxmemory-policy", "volatile-ttl"] });
  const store = await openStore(server);
  for (let i = 0; i < 50; i++) await store.putMeta(META, `m${i}`, Buffer.from(`meta ${i}`), undefined, CALL);
  const kept = rowsFrom(1_000_000, false);
  await store.putIfNewer({ ...SCOPE, tenant: "kept" }, kept, CALL);
  const written: StoredRow[] = [];
  for (let from = 0; from < 20_000; from += 100) {
    const batch = rowsFrom(from, true);
    await store.putIfNewer(SCOPE, batch, CALL);
    written.push(...batch);
  }
  expect(
    Number(/evicted_keys:(\d+)/.exec(String(await redisCommand(server.port, "INFO", "stats")))?.[1]),
  ).toBeGreaterThan(1_000);

  const cells = await get(
    store,
    written.map(({ entityKey }) => entityKey),
  );
  const there = cells.flatMap((cell, i) => (cell === undefined ? [] : [i]));
  expect(there.length).toBeGreaterThan(1_000);
  expect(there.length).toBeLessThan(written.length);
  for (const i of there) if (cells[i] !== hex(written[i] as StoredRow)) expect.fail(`row ${i} is another`);
  const groups = [{ views: [SCOPE.view], entityKeys: kept.map(({ entityKey }) => entityKey) }];
  const { lengths } = await store.get({ project: SCOPE.project, tenant: "kept", groups }, CALL);
  expect([...lengths].every((length) => length > 1_000)).toBe(true);
  for (let i = 0; i < 50; i++) {
    expect(Buffer.from((await store.getMeta(META, `m${i}`, CALL))?.bytes ?? []).toString()).toBe(`meta ${i}`);
  }
  const keys = await redisCommand(server.port, "KEYS", "l::*");
  for (const key of Array.isArray(keys) ? keys : []) {
    expect(await redisCommand(server.port, "PTTL", String(key))).toBe(-1);
  }
  await store.close();
});

test("under noeviction a full server refuses writes with a retryable error and its remedy; reads and deletions go on", async () => {
  await using server = await startRedis({ args: ["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"] });
  const store = await openStore(server);
  const first = rowsFrom(0, true);
  await store.putIfNewer(SCOPE, first, CALL);
  let failure: unknown;
  for (let from = 100; failure === undefined && from < 20_000; from += 100) {
    await store.putIfNewer(SCOPE, rowsFrom(from, true), CALL).catch((error: unknown) => {
      failure = error;
    });
  }
  expect(isLarderError(failure, "STORE_UNAVAILABLE")).toBe(true);
  expect(failure).toMatchObject({
    retryable: true,
    remedy: expect.stringContaining("maxmemory"),
    facts: { reply: "OOM" },
  });
  expect(await get(store, ["7"])).toEqual([hex(first[7] as StoredRow)]);
  expect(await store.removeRows(SCOPE, first, CALL)).toEqual(first.map(() => true));
  expect(await store.deleteScope({ project: SCOPE.project, tenant: SCOPE.tenant }, CALL)).toBeGreaterThan(100);
  expect(await store.putIfNewer(SCOPE, rowsFrom(0, true).slice(0, 1), CALL)).toEqual(["applied"]);
  await store.close();
});
