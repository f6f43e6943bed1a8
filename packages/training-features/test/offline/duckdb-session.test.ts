import { join } from "node:path";
import { runProcess, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { openDuckDb } from "../../src/index.ts";
import { filesIn } from "../support/training-set.ts";

const plan = { subject: { kind: "plan" } } as const;
const LONG = "SELECT count(*) AS n FROM range(100000000000) t(i) WHERE hash(i) = 1";

test("a session tells its engine, never downloads, and takes naive times as UTC whatever the machine's zone", async () => {
  await using engine = await openDuckDb({ threads: 1, memoryLimitBytes: 64 * 1024 * 1024 });
  expect([engine.name, engine.dialect, engine.version]).toEqual(["duckdb", "duckdb", "v1.5.5"]);
  const settings = await engine.rows(
    "SELECT name, value FROM duckdb_settings() WHERE name IN ('autoinstall_known_extensions', 'threads', 'memory_limit', 'TimeZone') ORDER BY name",
    plan,
  );
  expect(settings.map(({ name, value }) => [name, value])).toEqual([
    ["TimeZone", "UTC"],
    ["autoinstall_known_extensions", "false"],
    ["memory_limit", "64.0 MiB"],
    ["threads", "1"],
  ]);
});

test("values come out plain and exact", async () => {
  await using engine = await openDuckDb({ threads: 1 });
  const [row] = await engine.rows(
    "SELECT 9007199254740993 AS a, 1.5::FLOAT AS b, NULL AS c, true AS d, '\\x00\\xFF'::BLOB AS e, [[1, NULL], NULL, []]::INTEGER[][] AS f, 'ü' AS g",
    plan,
  );
  expect(row).toEqual({
    a: 9007199254740993n,
    b: 1.5,
    c: null,
    d: true,
    e: Uint8Array.of(0, 255),
    f: [[1, null], null, []],
    g: "ü",
  });
  await expect(engine.rows("SELECT TIMESTAMP '2026-01-01' AS t", plan)).rejects.toMatchObject({ code: "INTERNAL" });
});

test("a large result comes in batches, in order, and may be left early", async () => {
  await using engine = await openDuckDb({ threads: 2 });
  let next = 0n;
  for await (const { rowCount, columns } of engine.batches("SELECT i FROM range(20000) t(i) ORDER BY i", plan)) {
    expect(columns[0]).toHaveLength(rowCount);
    for (const value of columns[0]!) expect(value).toBe(next++);
  }
  expect(next).toBe(20000n);
  for await (const _ of engine.batches("SELECT i FROM range(20000) t(i)", plan)) break;
  expect(await engine.rows("SELECT 1 AS one", plan)).toEqual([{ one: 1 }]);
});

test("a signal stops a running statement, and the session goes on", async () => {
  await using engine = await openDuckDb({ threads: 2 });
  for (const ms of [0, 50]) {
    const run = engine.rows(LONG, { ...plan, signal: AbortSignal.timeout(ms) });
    await expect(run).rejects.toMatchObject({ code: "ABORTED" });
  }
  await expect(engine.run("SELECT 1", { ...plan, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "ABORTED",
  });
  expect(await engine.rows("SELECT 1 AS one", { ...plan, signal: new AbortController().signal })).toEqual([{ one: 1 }]);
});

test("a statement that needs more memory than there is fails with a code, and the session goes on", async () => {
  await using folder = await temporaryFolder();
  await using engine = await openDuckDb({ threads: 1, memoryLimitBytes: 16 * 1024 * 1024, tempDirectory: folder.path });
  const run = engine.run("SELECT list(i) FROM range(50000000) t(i)", plan);
  await expect(run).rejects.toMatchObject({ code: "OFFLINE_FAILED" });
  await expect(run).rejects.toThrow("out of memory");
  expect(await engine.rows("SELECT 1 AS one", plan)).toEqual([{ one: 1 }]);
});

test("closing removes the temporary folder, can be repeated, and ends the session", async () => {
  await using folder = await temporaryFolder();
  const engine = await openDuckDb({ threads: 1, tempDirectory: folder.path });
  expect(filesIn(folder.path)).toHaveLength(1);
  await engine.close();
  await engine.close();
  expect(filesIn(folder.path)).toEqual([]);
  await expect(engine.run("SELECT 1", plan)).rejects.toMatchObject({ code: "OFFLINE_FAILED" });
});

test("without @duckdb/node-api the install command is named", async () => {
  const source = join(import.meta.dirname, "..", "..", "src", "index.ts");
  const script = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier !== "@duckdb/node-api") return next(specifier, context);
        throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
      },
    });
    const { openDuckDb } = await import(${JSON.stringify(source)});
    await openDuckDb().catch((error) => console.log(error.code, error.message));`;
  const { stdout } = await runProcess(process.execPath, [
    "--conditions=@larder/source",
    "--input-type=module",
    "-e",
    script,
  ]);
  expect(stdout).toContain("MISSING_DEPENDENCY");
  expect(stdout).toContain("npm install @duckdb/node-api@1.5.5-r.5");
});
