import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import type { ScannedRow } from "../../../src/row-store.ts";
import { openSqliteRowStore } from "../../../src/stores/sqlite/sqlite-row-store.ts";
import { call, configOf, openTestStore, row, scope, valuesOf } from "./open-test-store.ts";

test("makes the folder and the file, and keeps rows and meta for the next process", async () => {
  await using opened = await openTestStore();
  const { store, path } = opened;
  await store.putIfNewer(scope, [row("1", 10, "a"), row("2", 10, "b")], call);
  const revision = await store.putMeta({ project: "churn" }, "format", Buffer.from("1"), undefined, call);
  await store.close();
  expect(existsSync(`${path}-wal`)).toBe(false);

  const again = await openSqliteRowStore(configOf(path));
  expect(await valuesOf(again, ["2", "3", "1"])).toEqual(["b", undefined, "a"]);
  expect((await again.getMeta({ project: "churn" }, "format", call))?.revision).toBe(revision);
  await again.close();
});

test("two stores of one file see each other's rows at once, and decide row by row", async () => {
  await using opened = await openTestStore();
  const other = await openSqliteRowStore(configOf(opened.path));
  expect(await opened.store.putIfNewer(scope, [row("1", 10, "a"), row("2", 10, "b")], call)).toEqual([
    "applied",
    "applied",
  ]);
  const rows = [row("1", 10, "a"), row("1", 10, "b"), row("1", 10, "a"), row("2", 9, "z"), row("3", 1, "")];
  const outcomes = ["duplicate", "applied_conflict", "stale_conflict", "stale", "applied"];
  expect(await other.putIfNewer(scope, rows, call)).toEqual(outcomes);
  expect(await valuesOf(opened.store, ["1", "2", "3"])).toEqual(["b", "b", ""]);
  await other.close();
});

test("many writes at once from two stores lose nothing", async () => {
  await using opened = await openTestStore();
  const other = await openSqliteRowStore(configOf(opened.path));
  const stores = [opened.store, other];
  const writes = Array.from({ length: 200 }, (_, i) =>
    (stores[i % 2] as typeof other).putIfNewer(scope, [row(String(i % 7), (i * 37) % 200, String(i))], call),
  );
  await Promise.all(writes);
  const newest = Array.from({ length: 7 }, (_, key) => {
    const mine = Array.from({ length: 200 }, (_, i) => i).filter((i) => i % 7 === key);
    return String(mine.reduce((best, i) => ((i * 37) % 200 > (best * 37) % 200 ? i : best)));
  });
  expect(await valuesOf(other, ["0", "1", "2", "3", "4", "5", "6"])).toEqual(newest);
  await other.close();
});

test("a large read, scan and reset go on in steps and miss nothing", async () => {
  await using opened = await openTestStore();
  const { store } = opened;
  const keys = Array.from({ length: 2_300 }, (_, i) => `k${i}`);
  for (const view of ["profile", "usage"]) {
    for (let from = 0; from < keys.length; from += 1_000) {
      const rows = keys.slice(from, from + 1_000).map((key) => row(key, 5, `${view} ${key}`));
      await store.putIfNewer({ ...scope, view }, rows, call);
    }
  }
  const read = await valuesOf(store, keys, ["usage", "profile"]);
  expect(read).toEqual(keys.flatMap((key) => [`usage ${key}`, `profile ${key}`]));

  const scanned = new Set<string>();
  for await (const found of store.scan({ project: "churn", tenant: "default" }, call)) scanned.add(nameOf(found));
  expect(scanned.size).toBe(4_600);
  expect(await store.deleteScope({ project: "churn", tenant: "default", entityKey: "k7" }, call)).toBe(2);
  expect(await store.deleteScope(scope, call)).toBe(2_299);
  expect(await store.deleteScope({ project: "churn", tenant: "default" }, call)).toBe(2_299);
});

test("expired rows are swept as later writes pass by them, and no others", async () => {
  let now = 1_000;
  await using opened = await openTestStore({ now: () => now });
  const { store } = opened;
  const rows = Array.from({ length: 50 }, (_, i) => row(`k${i}`, 10, "", i % 2 === 0 ? 2_000 : undefined));
  await store.putIfNewer(scope, rows, call);
  now = 2_001;
  for (let i = 0; i < 60; i++) await store.putIfNewer({ ...scope, view: "usage" }, [row("one", i + 1)], call);
  const left: string[] = [];
  for await (const found of store.scan(scope, call)) left.push(found.entityKey);
  expect(left.sort()).toEqual(
    rows
      .filter((one) => one.expiresAt === undefined)
      .map((one) => one.entityKey)
      .sort(),
  );
});

test("a meta entry made anew does not take the revision of the one before", async () => {
  await using opened = await openTestStore();
  const meta = { project: "churn", tenant: "default", view: "profile" };
  const first = await opened.store.putMeta(meta, "position", Buffer.from("a"), undefined, call);
  await opened.store.deleteMeta(meta, "position", call);
  await opened.store.putMeta(meta, "position", Buffer.from("b"), undefined, call);
  expect(await opened.store.putMeta(meta, "position", Buffer.from("c"), first, call)).toBeUndefined();
});

function nameOf({ view, entityKey }: ScannedRow): string {
  return `${view} ${entityKey}`;
}
