import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openSqliteRowStore } from "../../../src/stores/sqlite/sqlite-row-store.ts";
import { call, configOf, openTestStore, row, scope, valuesOf } from "./open-test-store.ts";

/** Another program's write lock on the file, until it is given back. */
function lock(path: string): { release(): void } {
  const db = new DatabaseSync(path);
  db.exec("BEGIN IMMEDIATE");
  return {
    release: () => {
      db.exec("ROLLBACK");
      db.close();
    },
  };
}

function within(milliseconds: number) {
  return { ...call, deadline: performance.now() + milliseconds };
}

test("a write that meets a lock ends at its deadline, while the event loop and readers go on", async () => {
  await using opened = await openTestStore();
  const { store, path } = opened;
  await store.putIfNewer(scope, [row("1", 1, "before")], call);
  const held = lock(path);
  let turns = 0;
  const ticking = setInterval(() => turns++, 5);
  const started = performance.now();
  const write = store.putIfNewer(scope, [row("1", 2, "after")], within(400));
  expect(await valuesOf(store, ["1"])).toEqual(["before"]);
  await expect(write).rejects.toMatchObject({ code: "STORE_TIMEOUT", retryable: true });
  clearInterval(ticking);
  expect(performance.now() - started).toBeGreaterThanOrEqual(395);
  expect(turns).toBeGreaterThan(5);
  held.release();
  expect(await store.putIfNewer(scope, [row("1", 3, "later")], call)).toEqual(["applied"]);
});

test("the store's own deadline holds when the call has none", async () => {
  await using opened = await openTestStore();
  const store = await openSqliteRowStore(configOf(opened.path, { writeDeadlineMs: 100 }));
  const held = lock(opened.path);
  await expect(store.putIfNewer(scope, [row("1", 1)], call)).rejects.toMatchObject({ code: "STORE_TIMEOUT" });
  await expect(store.putMeta({ project: "p" }, "x", Uint8Array.of(1), undefined, call)).rejects.toMatchObject({
    message: expect.stringContaining(opened.path),
  });
  held.release();
  await store.close();
});

test("a write that waits for a lock is done as soon as the lock is given back", async () => {
  await using opened = await openTestStore();
  const held = lock(opened.path);
  const write = opened.store.putIfNewer(scope, [row("1", 1, "late")], call);
  const behind = opened.store.putIfNewer(scope, [row("2", 1, "later")], call);
  await valuesOf(opened.store, ["1"]);
  held.release();
  expect(await write).toEqual(["applied"]);
  expect(await behind).toEqual(["applied"]);
});

test("an aborted wait ends at once", async () => {
  await using opened = await openTestStore();
  const held = lock(opened.path);
  const controller = new AbortController();
  const write = opened.store.putIfNewer(scope, [row("1", 1)], { ...within(5_000), signal: controller.signal });
  controller.abort(new Error("the caller has left"));
  await expect(write).rejects.toMatchObject({ code: "ABORTED" });
  held.release();
});

test("writes beyond the bound are refused, and the others are done", async () => {
  await using opened = await openTestStore();
  const held = lock(opened.path);
  const writes = Array.from({ length: 1_010 }, (_, i) =>
    opened.store.putIfNewer(scope, [row(`k${i}`, 1)], within(20_000)).catch((error) => error.code),
  );
  expect(await Promise.all(writes.slice(1_000))).toEqual(Array(10).fill("STORE_UNAVAILABLE"));
  held.release();
  expect((await Promise.all(writes.slice(0, 1_000))).flat()).toEqual(Array(1_000).fill("applied"));
});

test("close ends a write that waits for a lock by its deadline, and the thread with it", async () => {
  await using opened = await openTestStore();
  const held = lock(opened.path);
  const write = opened.store.putIfNewer(scope, [row("1", 1)], within(200)).catch((error) => error.code);
  await opened.store.close();
  expect(await write).toBe("STORE_TIMEOUT");
  held.release();
  await expect(opened.store.ping(call)).rejects.toMatchObject({ code: "STORE_CLOSED" });
});

test("stores that open one new file at the same time all get it", async () => {
  await using opened = await openTestStore();
  const path = `${opened.path}.new`;
  const stores = await Promise.all(Array.from({ length: 4 }, () => openSqliteRowStore(configOf(path))));
  const outcomes = await Promise.all(stores.map((store, i) => store.putIfNewer(scope, [row(`k${i}`, 1)], call)));
  expect(outcomes.flat()).toEqual(Array(4).fill("applied"));
  await Promise.all(stores.map((store) => store.close()));
});
