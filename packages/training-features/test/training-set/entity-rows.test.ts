import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OfflineEngine, TrainingSetRequest } from "../../src/index.ts";
import { makeView, refsOf, type ViewSketch } from "../support/make-definitions.ts";
import { parquetColumns, testEngine, writeParquet } from "../support/parquet.ts";
import { type Built, buildScene, filesIn } from "../support/training-set.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const stats: ViewSketch = { name: "stats", features: { v: "float64" } };
const SOURCE = "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, 1.5::DOUBLE AS v";

/** Joins the view to one entity file, which is text as it stands or, for Parquet, SQL. */
async function join1(
  folder: string,
  name: string,
  content: string,
  options: {
    readonly sketch?: ViewSketch;
    readonly source?: string;
    readonly request?: Partial<TrainingSetRequest>;
  } = {},
): Promise<Built> {
  const path = join(folder, name);
  if (name.endsWith(".parquet")) await writeParquet(engine, path, content);
  else writeFileSync(path, content);
  const view = makeView(options.sketch ?? stats);
  return buildScene(
    { engine, folder, views: [view], files: { [`${view.name}.parquet`]: options.source ?? SOURCE } },
    { entities: path, ...options.request },
  );
}

test.each([
  [
    "missing columns, all at once",
    "SELECT 1 AS label",
    /"event_timestamp" is missing; column "customer_id" is missing.*label/,
  ],
  [
    "a date as time",
    "SELECT 1::BIGINT AS customer_id, DATE '2026-01-01' AS event_timestamp",
    /"event_timestamp" is DATE/,
  ],
  ["text as time", "SELECT 1::BIGINT AS customer_id, '2026-01-01' AS event_timestamp", /is VARCHAR/],
  [
    "text as an int64 key",
    "SELECT '1' AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp",
    /"customer_id" is VARCHAR/,
  ],
  [
    "a key that is no whole number",
    "SELECT 1.5::DOUBLE AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp",
    /row 0: column "customer_id": 1.5 is not an int64/,
  ],
  [
    "a key beyond int64",
    "SELECT 18446744073709551615::UBIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp",
    /18446744073709551615 is not an int64/,
  ],
  [
    "a time finer than a microsecond",
    "SELECT 1::BIGINT AS customer_id, TIMESTAMP_NS '2026-01-01 00:00:00.000000001' AS event_timestamp",
    /finer than a microsecond/,
  ],
])("entity rows with %s are refused", async (_, select, message) => {
  await using folder = await temporaryFolder();
  const run = join1(folder.path, "entities.parquet", select);
  await expect(run).rejects.toMatchObject({ code: "ENTITY_ROWS_INVALID" });
  await expect(run).rejects.toThrow(message);
  expect(filesIn(folder.path)).toEqual(["entities.parquet", "stats.parquet"]);
});

test.each([
  ["is not there", "gone.parquet", "ENTITY_ROWS_INVALID"],
  ["is a folder", "folder.parquet", "ENTITY_ROWS_INVALID"],
  ["is cut off", "cut.parquet", "ENTITY_ROWS_INVALID"],
  ["is of an unknown kind", "entities.xlsx", "UNSUPPORTED"],
  ["is in an object store", "gs://bucket/entities.parquet", "UNSUPPORTED"],
])("an entity file that %s is refused", async (_, name, code) => {
  await using folder = await temporaryFolder();
  mkdirSync(join(folder.path, "folder.parquet"));
  await writeParquet(engine, join(folder.path, "cut.parquet"), SOURCE);
  truncateSync(join(folder.path, "cut.parquet"), 100);
  const entities = name.includes("://") ? name : join(folder.path, name);
  const run = join1(folder.path, "entities.parquet", SOURCE, { request: { entities } });
  await expect(run).rejects.toMatchObject({ code });
});

test("another timestamp column can be named, and keys and times may have any name", async () => {
  await using folder = await temporaryFolder();
  const select = `SELECT 1::BIGINT AS "rowid", 1::BIGINT AS row_no, 1::BIGINT AS customer_id, TIMESTAMP '2026-01-02' AS "the time", 1 AS c0, 2 AS k0, 3 AS "a ""b"""`;
  const { rows } = await join1(folder.path, "entities.parquet", select, { request: { timestampColumn: "the time" } });
  expect(rows).toMatchObject([{ rowid: 1n, row_no: 1n, c0: 1, k0: 2, 'a "b"': 3, v: 1.5 }]);
});

test("keys meet by value, whatever integer or float type holds them", async () => {
  await using folder = await temporaryFolder();
  for (const type of ["TINYINT", "UINTEGER", "BIGINT", "HUGEINT", "DOUBLE", "DECIMAL(38,0)"]) {
    const select = `SELECT k::${type} AS customer_id, TIMESTAMP '2026-01-02' AS event_timestamp FROM (VALUES (1), (2), (NULL)) t(k)`;
    const { rows } = await join1(folder.path, "entities.parquet", select);
    expect(rows.map(({ v }) => v)).toEqual([1.5, null, null]);
  }
});

test("an entity key beyond int32 is no entity of a view whose key is int32", async () => {
  await using folder = await temporaryFolder();
  const sketch: ViewSketch = { ...stats, joinKeys: [{ name: "customer_id", type: "int32" }] };
  const select =
    "SELECT k::BIGINT AS customer_id, TIMESTAMP '2026-01-02' AS event_timestamp FROM (VALUES (1), (4294967297)) t(k)";
  const { rows } = await join1(folder.path, "entities.parquet", select, { sketch });
  expect(rows.map(({ v }) => v)).toEqual([1.5, null]);
});

test("bytes and instants are keys too", async () => {
  await using folder = await temporaryFolder();
  const sketch: ViewSketch = {
    ...stats,
    joinKeys: [
      { name: "raw", type: "bytes" },
      { name: "moment", type: "unix_timestamp" },
    ],
  };
  const source =
    "SELECT '\\x00\\xFF'::BLOB AS raw, TIMESTAMP '2026-01-01 12:00:00' AS moment, TIMESTAMP '2026-01-01' AS event_timestamp, 1.5::DOUBLE AS v";
  const select = `SELECT raw::BLOB AS raw, moment::TIMESTAMPTZ AS moment, TIMESTAMP '2026-01-02' AS event_timestamp
    FROM (VALUES ('\\x00\\xFF', '2026-01-01 14:00:00+02'), ('\\x00', '2026-01-01 14:00:00+02'), ('\\x00\\xFF', '2026-01-01 14:00:01+02')) t(raw, moment)`;
  const { rows } = await join1(folder.path, "entities.parquet", select, { sketch, source });
  expect(rows.map(({ v }) => v)).toEqual([1.5, null, null]);
});

test("one entity column may be the key of two views, if the types agree", async () => {
  await using folder = await temporaryFolder();
  const other = makeView({ name: "other", joinKeys: [{ name: "shop", type: "string" }], features: { w: "float64" } });
  const views = [makeView(stats), other];
  const scene = {
    engine,
    folder: folder.path,
    views,
    features: [...refsOf(views[0]!), ...refsOf(other, { keys: { shop: "customer_id" } })],
    files: { "entities.parquet": SOURCE },
  };
  await expect(buildScene(scene)).rejects.toMatchObject({ code: "INVALID_REQUEST", facts: { field: "customer_id" } });
});

test("CSV: keys by their digits, text keys as they stand, times as ISO 8601, naive as UTC", async () => {
  await using folder = await temporaryFolder();
  const csv =
    'customer_id,event_timestamp,label\n1,2026-01-01T02:00:00+02:00,"a,b"\n1,2025-12-31 23:59:59.999999,\n1,2026-01-01,x\n,2026-01-01,x\n1,,x\n';
  const { report, rows } = await join1(folder.path, "entities.csv", csv);
  expect(rows.map(({ v, label }) => [v, label])).toEqual([
    [1.5, "a,b"],
    [null, null],
    [1.5, "x"],
    [null, "x"],
    [null, "x"],
  ]);
  expect((await parquetColumns(engine, report.out))[1]).toEqual(["event_timestamp", "TIMESTAMP WITH TIME ZONE"]);

  const sketch: ViewSketch = { ...stats, joinKeys: [{ name: "customer_id", type: "string" }] };
  const source = SOURCE.replace("1::BIGINT", "'007'");
  const text = await join1(folder.path, "text.csv", "customer_id,event_timestamp\n007,2026-01-02\n7,2026-01-02\n", {
    sketch,
    source,
  });
  expect(text.rows.map(({ customer_id, v }) => [customer_id, v])).toEqual([
    ["007", 1.5],
    ["7", null],
  ]);
});

test("NDJSON: numbers are exact, text stays text", async () => {
  await using folder = await temporaryFolder();
  const lines = [
    '{"customer_id": 9007199254740993, "event_timestamp": "2026-01-02T00:00:00.000001Z", "label": "007"}',
    '{"customer_id": 9007199254740992, "event_timestamp": "2026-01-02T00:00:00Z", "label": null}',
  ];
  const source = SOURCE.replace("1::BIGINT", "9007199254740993");
  const { rows } = await join1(folder.path, "entities.ndjson", lines.join("\n"), { source });
  expect(rows).toEqual([
    { customer_id: 9007199254740993n, event_timestamp: 1_767_312_000_000_001n, label: "007", v: 1.5 },
    { customer_id: 9007199254740992n, event_timestamp: 1_767_312_000_000_000n, label: null, v: null },
  ]);
});

test.each([
  ["a time that is none", "entities.csv", "customer_id,event_timestamp\n1,soon\n"],
  ["a bare number as time", "entities.csv", "customer_id,event_timestamp\n1,1767225600\n"],
  ["a key that is no number", "entities.csv", "customer_id,event_timestamp\nx,2026-01-01\n"],
  ["a key twice", "entities.csv", "customer_id,customer_id,event_timestamp\n1,2,2026-01-01\n"],
  ["columns that differ in case only", "entities.csv", "customer_id,event_timestamp,a,A\n1,2026-01-01,1,2\n"],
  ["a header and no rows", "entities.csv", "customer_id,event_timestamp\n"],
  ["no header for the key", "entities.csv", "customer,event_timestamp\n1,2026-01-01\n"],
  [
    "a broken line",
    "entities.ndjson",
    '{"customer_id": 1, "event_timestamp": "2026-01-01T00:00:00Z"}\n{"customer_id": 1',
  ],
  ["nothing at all", "entities.ndjson", ""],
])("a text file with %s is refused", async (_, name, content) => {
  await using folder = await temporaryFolder();
  const run = join1(folder.path, name, content);
  await expect(run).rejects.toMatchObject({ code: "ENTITY_ROWS_INVALID" });
});
