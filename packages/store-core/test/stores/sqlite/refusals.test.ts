import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { sqliteError } from "../../../src/stores/sqlite/sqlite-errors.ts";
import { openSqliteRowStore } from "../../../src/stores/sqlite/sqlite-row-store.ts";
import { call, configOf, openTestStore, row, scope } from "./open-test-store.ts";

async function refusalOf(path: string): Promise<unknown> {
  return openSqliteRowStore(configOf(path)).then(
    () => "opened",
    (error: unknown) => error,
  );
}

test("a folder that cannot be made is named, with the remedy", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "file");
  await writeFile(file, "");
  for (const path of [join(file, "online.db"), "/proc/larder/online.db"]) {
    expect(await refusalOf(path)).toMatchObject({
      code: "STORE_MISCONFIGURED",
      message: expect.stringMatching(/cannot be made.*online_store\.path/),
      facts: { path },
    });
  }
});

test("a path that is a folder, or cannot be written, is refused", async () => {
  await using folder = await temporaryFolder();
  const inner = join(folder.path, "inner");
  await mkdir(inner);
  for (const path of [inner, "/proc/version"]) {
    expect(await refusalOf(path)).toMatchObject({ code: "STORE_MISCONFIGURED", facts: { path } });
  }
});

test("a file that is no database is refused and left as it is", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "notes.txt");
  const text = "These are my notes, and no database. ".repeat(50);
  await writeFile(path, text);
  expect(await refusalOf(path)).toMatchObject({
    code: "STORE_MISCONFIGURED",
    message: expect.stringContaining("is not a SQLite database"),
  });
  expect(await readFile(path, "utf8")).toBe(text);
});

test("another program's database is refused and left as it is", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "theirs.db");
  const theirs = new DatabaseSync(path);
  theirs.exec("CREATE TABLE churn_features (entity_key BLOB, feature_name TEXT, value BLOB)");
  theirs.close();
  const before = await readFile(path);
  expect(await refusalOf(path)).toMatchObject({
    code: "STORE_MISCONFIGURED",
    message: expect.stringContaining("of another program"),
  });
  expect(await readFile(path)).toEqual(before);
});

test("a file of a newer format is refused", async () => {
  await using opened = await openTestStore();
  await opened.store.close();
  const db = new DatabaseSync(opened.path);
  db.exec("PRAGMA user_version = 2");
  db.close();
  expect(await refusalOf(opened.path)).toMatchObject({ code: "STORE_FORMAT_NEWER" });
});

test("a damaged file fails the calls that meet the damage", async () => {
  await using opened = await openTestStore();
  const rows = Array.from({ length: 1_000 }, (_, i) => row(`k${i}`, 1, "x".repeat(200)));
  await opened.store.putIfNewer(scope, rows, call);
  await opened.store.close();
  const bytes = await readFile(opened.path);
  bytes.fill(0xa5, 3 * 4096);
  await writeFile(opened.path, bytes);
  const damaged = await openSqliteRowStore(configOf(opened.path));
  const read = damaged.get({ ...scope, groups: [{ views: [scope.view], entityKeys: ["k1", "k500"] }] }, call);
  await expect(read).rejects.toMatchObject({ code: "STORE_CORRUPT", message: expect.stringContaining(opened.path) });
  await expect(damaged.putIfNewer(scope, rows, call)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  await damaged.close();
});

test.each([
  [13, "STORE_UNAVAILABLE", /disk .* is full.*Free space/],
  [10 | (3 << 8), "STORE_UNAVAILABLE", /failed \(disk I\/O error\)/],
  [8, "STORE_MISCONFIGURED", /cannot be opened for writing.*writable/],
  [5 | (2 << 8), "STORE_TIMEOUT", /busy/],
])("SQLite's result code %i becomes %s", (errcode, code, message) => {
  const error = sqliteError("/data/online.db", { errcode, message: "disk I/O error" });
  expect(error).toMatchObject({ code, message: expect.stringMatching(message), facts: { path: "/data/online.db" } });
});
