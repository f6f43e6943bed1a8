import { readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { tableFromIPC } from "apache-arrow";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EntityInput, OfflineEngine, TrainingSetManifest } from "../../src/index.ts";
import { makeView } from "../support/make-definitions.ts";
import { parquetRows, testEngine } from "../support/parquet.ts";
import { buildScene, bytesOf, filesIn, rowsSql } from "../support/training-set.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const plain = makeView({ name: "stats", features: { v: "float64" } });
const FILES = { "stats.parquet": rowsSql("(1, 5, 5, 1.5)", "(9007199254740993, 5, 5, 2.5)") };
const TIME = "2026-01-01T00:00:10Z";

async function built(folder: string, entities: EntityInput, out = "train.parquet") {
  return buildScene({ engine, folder, views: [plain], files: FILES }, { entities, out: join(folder, out) });
}

test("rows in memory join as those of a file, in their order and with their own columns", async () => {
  await using folder = await temporaryFolder();
  const rows = [
    { customer_id: 9007199254740993n, event_timestamp: TIME, label: "a", weight: 1, seen: new Date(TIME), ok: true },
    { customer_id: 1, event_timestamp: TIME, label: null, weight: 0.5, seen: null, ok: false },
    { customer_id: 2, event_timestamp: null, label: "2024-01-01", weight: null, seen: null, ok: null },
  ];
  const { rows: found } = await built(folder.path, { rows });
  expect(found.map(({ customer_id, label, weight, ok, v }) => [customer_id, label, weight, ok, v])).toEqual([
    [9007199254740993n, "a", 1, true, 2.5],
    [1n, null, 0.5, false, 1.5],
    [2n, "2024-01-01", null, null, null],
  ]);
});

test("rows of an iterator are kept beside the training set, and building from them gives the same bytes", async () => {
  await using folder = await temporaryFolder();
  async function* rows() {
    for (let i = 0; i < 5_000; i++) yield { customer_id: i % 3, event_timestamp: TIME, i };
  }
  const { report } = await built(folder.path, { rows: rows() });
  expect(filesIn(folder.path)).toEqual([
    "stats.parquet",
    "train.entities.parquet",
    "train.manifest.json",
    "train.parquet",
  ]);
  const manifest = JSON.parse(readFileSync(report.manifestPath, "utf8")) as TrainingSetManifest;
  expect(manifest.entities).toMatchObject({ path: "train.entities.parquet", rows: 5_000 });
  await built(folder.path, join(folder.path, "train.entities.parquet"), "again.parquet");
  expect(bytesOf(join(folder.path, "again.parquet"))).toBe(bytesOf(report.out));
});

test("entity rows come from a query, whose paths count from its folder", async () => {
  await using folder = await temporaryFolder();
  const sql = `SELECT customer_id, event_timestamp + INTERVAL 5 SECOND AS event_timestamp, 'x' AS label FROM 'stats.parquet' ORDER BY customer_id DESC;`;
  const { rows, report } = await built(folder.path, { sql, folder: folder.path });
  expect(rows.map(({ customer_id, label, v }) => [customer_id, label, v])).toEqual([
    [9007199254740993n, "x", 2.5],
    [1n, "x", 1.5],
  ]);
  expect(await parquetRows(engine, join(folder.path, "train.entities.parquet"))).toHaveLength(2);
  expect(report.rows).toBe(2);
});

test("bad entity rows in memory are refused with row and column, and leave nothing behind", async () => {
  await using folder = await temporaryFolder();
  const good = { customer_id: 1, event_timestamp: TIME, x: 1 };
  const bad: readonly (readonly [object[], RegExp])[] = [
    [[], /there are none/],
    [[good, { ...good, x: "1" }], /Entity row 1 in memory: column "x" is VARCHAR where the rows before it have BIGINT/],
    [[good, { customer_id: 1, event_timestamp: TIME }], /row 1 .*"x" is missing/],
    [[good, { ...good, y: 1 }], /row 1 .*"y" is not in the rows before it/],
    [[{ ...good, x: Number.NaN }], /row 0 .*"x" is NaN/],
    [[{ ...good, x: 2 ** 60 }], /"x" is beyond 2\^53/],
    [[{ ...good, x: 2n ** 64n }], /"x" is beyond int64/],
    [[{ ...good, x: {} }], /"x" is no number/],
    [[{ customer_id: 1 }], /"event_timestamp" is missing/],
    [[{ customer_id: 1, event_timestamp: "yesterday" }], /yesterday/],
  ];
  for (const [rows, message] of bad) {
    await expect(built(folder.path, { rows }), String(message)).rejects.toMatchObject({
      code: "ENTITY_ROWS_INVALID",
      message: expect.stringMatching(message),
    });
  }
  await expect(
    built(folder.path, { sql: "SELECT 1::BIGINT AS customer_id, 2 AS a, 3 AS A, now() AS event_timestamp" }),
  ).rejects.toMatchObject({ code: "ENTITY_ROWS_INVALID", facts: { column: "A" } });
  await expect(built(folder.path, { sql: "SELECT FROM nowhere" })).rejects.toMatchObject({
    code: "ENTITY_ROWS_INVALID",
  });
  expect(filesIn(folder.path)).toEqual(["stats.parquet"]);
});

test("CSV has what Parquet has, as text", async () => {
  await using folder = await temporaryFolder();
  const rows = [
    { customer_id: 1, event_timestamp: TIME, label: 'a, "b"' },
    { customer_id: 2, event_timestamp: TIME, label: null },
  ];
  const { report } = await built(folder.path, { rows }, "train.csv");
  expect(readFileSync(report.out, "utf8")).toBe(
    'customer_id,event_timestamp,label,v\n1,2026-01-01 00:00:10+00,"a, ""b""",1.5\n2,2026-01-01 00:00:10+00,,\n',
  );
  const manifest = JSON.parse(readFileSync(report.manifestPath, "utf8")) as TrainingSetManifest;
  expect(manifest.output).toMatchObject({ path: "train.csv", rows: 2 });
});

test("Arrow files hold every type exactly, nulls and empty sets too", async () => {
  await using folder = await temporaryFolder();
  const view = makeView({
    name: "types",
    features: {
      b: "int64",
      c: "float32",
      e: "bool",
      g: "bytes",
      h: "unix_timestamp",
      i: "list<int64>",
      j: "list<unix_timestamp>",
      k: "list<string>",
    },
  });
  const files = {
    "types.parquet": `SELECT 1::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, 9007199254740993 AS b, 0.5::FLOAT AS c, true AS e,
      '\\x00\\xFF'::BLOB AS g, TIMESTAMP '2023-11-14 22:13:20' AS h, [1, 9007199254740993] AS i, [TIMESTAMP '2023-11-14 22:13:20'] AS j, ['é', ''] AS k`,
  };
  const rows = [
    { customer_id: 1, event_timestamp: "2026-01-01T00:00:10.000001Z" },
    { customer_id: 2, event_timestamp: "1969-12-31T23:59:59.999999Z" },
  ];
  const scene = { engine, folder: folder.path, views: [view], files };
  const out = join(folder.path, "train.arrow");
  await buildScene(scene, { entities: { rows }, out });
  const table = tableFromIPC(readFileSync(out));
  const column = (name: string) => table.getChild(name);
  expect(table.numRows).toBe(2);
  expect([...(column("event_timestamp")?.data[0]?.values ?? [])]).toEqual([1767225610000001n, -1n]);
  expect(column("b")?.toArray()[0]).toBe(9007199254740993n);
  expect([column("c")?.get(0), column("e")?.get(0), column("g")?.get(0)]).toEqual([
    0.5,
    true,
    new Uint8Array([0, 255]),
  ]);
  expect([...(column("h")?.data[0]?.values ?? [])][0]).toBe(1700000000000000n);
  expect([...(column("i")?.get(0) ?? [])]).toEqual([1n, 9007199254740993n]);
  expect([...(column("j")?.get(0)?.data[0]?.values ?? [])][0]).toBe(1700000000000000n);
  expect([...(column("k")?.get(0) ?? [])]).toEqual(["é", ""]);
  for (const name of ["b", "c", "e", "g", "h", "i", "j", "k"]) expect(column(name)?.get(1), name).toBeNull();

  const none = join(folder.path, "none.arrow");
  const empty = "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp LIMIT 0";
  await buildScene(scene, { entities: { sql: empty }, out: none });
  expect(tableFromIPC(readFileSync(none)).schema.fields.map(({ name }) => name)).toEqual(
    table.schema.fields.map(({ name }) => name),
  );
});

test("what a format has no form for is refused before any work", async () => {
  await using folder = await temporaryFolder();
  const view = makeView({ name: "types", features: { i: "list<int64>" } });
  const scene = { engine, folder: folder.path, views: [view], files: {} };
  for (const out of ["train.csv", "train.txt", "train"]) {
    const building = buildScene(scene, { entities: { rows: [{}] }, out: join(folder.path, out) });
    await expect(building, out).rejects.toMatchObject({ code: "UNSUPPORTED" });
  }
  expect(filesIn(folder.path)).toEqual([]);
});
