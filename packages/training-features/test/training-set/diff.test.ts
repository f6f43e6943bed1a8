import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { diffTrainingSets, type OfflineEngine, type TrainingSetRequest } from "../../src/index.ts";
import { makeView, refsOf } from "../support/make-definitions.ts";
import { testEngine } from "../support/parquet.ts";
import { buildScene } from "../support/training-set.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const features = { v: "float64", n: "int64", s: "string" } as const;
const view = makeView({ name: "stats", features });

/** Entity rows 0, 1, …, each of its own customer but for repeated ones, and a feature row for each; `values` are SQL of one row by its position. */
interface Sketch {
  readonly entities: readonly number[];
  readonly label?: (i: number) => string;
  readonly values?: Readonly<Record<number, string>>;
}

const plain = (i: number) => `${i}.5::DOUBLE, ${2n ** 53n + BigInt(i)}, 's${i}'`;

async function build(folder: string, name: string, sketch: Sketch, request: Partial<TrainingSetRequest> = {}) {
  const { entities, label = () => "0", values = {} } = sketch;
  mkdirSync(join(folder, name), { recursive: true });
  const at = "TIMESTAMP '2026-01-01'";
  const rows = entities.map((k) => `(${k}::BIGINT, ${at} + to_seconds(100), ${label(k)})`);
  const known = Array.from({ length: 12 }, (_, i) => `(${i}::BIGINT, ${at}, ${values[i] ?? plain(i)})`);
  return buildScene(
    {
      engine,
      folder: join(folder, name),
      views: [view],
      files: {
        "entities.parquet": `SELECT * FROM (VALUES ${rows.join(", ")}) t(customer_id, event_timestamp, label)`,
        "stats.parquet": `SELECT * FROM (VALUES ${known.join(", ")}) t(customer_id, event_timestamp, v, n, s)`,
      },
    },
    { ...request, ...(request.out === undefined ? {} : { out: join(folder, name, request.out) }) },
  );
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 7, 7];

test("exactly the planted changes are named", async () => {
  const plant = fc.record({
    v: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }),
    s: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }),
    nulls: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }),
    labels: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 3 }),
    added: fc.integer({ min: 0, max: 2 }),
    removed: fc.integer({ min: 0, max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(plant, async ({ v, s, nulls, labels, added, removed }) => {
      await using folder = await temporaryFolder();
      const a = await build(folder.path, "a", {
        entities: [...ALL, ...Array.from({ length: removed }, (_, i) => 10 + i)],
      });
      const values = Array.from({ length: 7 }, (_, i) => {
        const number = `${i + (v.includes(i) ? 10 : 0)}.5::DOUBLE`;
        return `${number}, ${nulls.includes(i) ? "NULL" : 2n ** 53n + BigInt(i)}, '${s.includes(i) ? "other" : `s${i}`}'`;
      });
      const entities = [...ALL, ...Array.from({ length: added }, () => 9)];
      const label = (k: number) => (labels.includes(k) ? "1" : "0");
      const b = await build(folder.path, "b", { entities, label, values: { ...values } });
      const diff = await diffTrainingSets({ a: a.report.out, b: b.report.manifestPath, engine });
      const rows = (column: string) => diff.rows?.columns.find((each) => each.column === column)?.rows;
      expect([rows("v"), rows("s"), rows("n"), rows("label")]).toEqual([
        v.length,
        s.length,
        nulls.length,
        labels.length,
      ]);
      expect(diff.rows).toMatchObject({ only_a: removed, only_b: added });
      const changed = diff.rows!.columns.find(({ column }) => column === "v")!;
      expect(changed.max_distance).toBe(v.length === 0 ? null : 10);
      expect(changed.mean_distance).toBe(v.length === 0 ? null : 10);
      expect(changed.first_row).toBe(v.length === 0 ? null : Math.min(...v));
      const n = diff.rows!.columns.find(({ column }) => column === "n")!;
      expect(n.null_share_b).toBeCloseTo(nulls.length / entities.length);
      const sources = v.length + s.length + nulls.length > 0 ? ["stats"] : [];
      const rowsChanged = labels.length + added + removed > 0 ? ["entity rows"] : [];
      expect(diff.inputs.map(({ of }) => of)).toEqual([...rowsChanged, ...sources]);
      expect(diff.equal).toBe(sources.length + rowsChanged.length === 0);
      expect([diff.settings, diff.features, diff.notices]).toEqual([[], [], []]);
    }),
    propertySettings(8),
  );
});

test("settings, meanings, features and columns that differ are named", async () => {
  await using folder = await temporaryFolder();
  const a = await build(folder.path, "a", { entities: ALL });
  const other = { ...view, ttl: 86_400_000_000 };
  const refs = refsOf(other, { features: ["v", "s"] });
  const b = await build(
    folder.path,
    "b",
    { entities: ALL },
    { features: refs, split: "entity:0.5", asOf: "bitemporal" },
  );
  const diff = await diffTrainingSets({ a: a.report.out, b: b.report.out, engine });
  expect(diff).toMatchObject({
    equal: false,
    definitions: { equal: true },
    settings: [
      { setting: "as_of", a: "event_time", b: "bitemporal" },
      { setting: "split", a: "none", b: "entity:0.5" },
    ],
    inputs: [],
    features: [
      { feature: "stats:v", change: "changed", what: ["ttl was not set and is 86400000000"] },
      { feature: "stats:n", change: "removed", what: [] },
      { feature: "stats:s", change: "changed" },
    ],
    columns: { only_a: ["n"], only_b: ["split"] },
    rows: { only_a: 0, only_b: 0 },
  });
});

test("rows that only stand elsewhere are told; CSV and parts are compared with Parquet by value", async () => {
  await using folder = await temporaryFolder();
  const label = (k: number) => (k % 2 === 0 ? "''" : "NULL");
  const a = await build(folder.path, "a", { entities: ALL, label });
  const reversed = await build(folder.path, "b", { entities: ALL.toReversed(), label });
  const moved = await diffTrainingSets({ a: a.report.out, b: reversed.report.out, engine });
  expect(moved).toMatchObject({
    equal: false,
    inputs: [{ of: "entity rows" }],
    rows: { only_a: 0, only_b: 0, moved: 10 },
  });
  const csv = await build(folder.path, "a", { entities: ALL, label }, { out: "train2.csv" });
  const parts = await build(folder.path, "a", { entities: ALL, label }, { out: "train3", partitionBy: ["label"] });
  const texts = await diffTrainingSets({ a: a.report.out, b: csv.report.out, engine });
  expect(texts).toMatchObject({ equal: true, bytes_equal: false });
  const divided = await diffTrainingSets({ a: a.report.out, b: parts.report.out, engine });
  expect(divided).toMatchObject({
    equal: false,
    settings: [{ setting: "partition_by", b: "label" }],
    rows: { moved: 0 },
  });
  for (const { rows } of [texts, divided]) expect(rows?.columns.map((column) => column.rows)).toEqual([0, 0, 0, 0]);
});

test("where rows are not at hand the manifests alone are compared, which is said", async () => {
  await using folder = await temporaryFolder();
  const a = await build(folder.path, "a", { entities: ALL });
  const b = await build(folder.path, "b", { entities: ALL }, { out: "train.arrow" });
  const arrow = await diffTrainingSets({ a: a.report.out, b: b.report.out, engine });
  expect(arrow).toMatchObject({
    equal: false,
    rows: null,
    notices: [expect.stringContaining("Arrow files are not read")],
  });
  const c = await build(folder.path, "c", { entities: ALL });
  rmSync(c.report.out);
  const gone = await diffTrainingSets({ a: a.report.out, b: c.report.out, engine });
  expect(gone).toMatchObject({
    equal: true,
    bytes_equal: true,
    rows: null,
    notices: [expect.stringContaining("there is no file")],
  });
  copyFileSync(join(folder.path, "a/entities.parquet"), c.report.out);
  writeFileSync(c.report.out, "PAR1 nonsense PAR1");
  await expect(diffTrainingSets({ a: a.report.out, b: c.report.out, engine })).rejects.toMatchObject({
    code: "SOURCE_UNREADABLE",
  });
});

test.each([
  ["nothing there", "nowhere.parquet", "SOURCE_UNREADABLE"],
  ["a file without manifest", "a/entities.parquet", "SOURCE_UNREADABLE"],
  ["an object", "s3://bucket/train.parquet", "UNSUPPORTED"],
])("%s is refused", async (_, name, code) => {
  await using folder = await temporaryFolder();
  const a = await build(folder.path, "a", { entities: ALL });
  const b = name.includes("://") ? name : join(folder.path, name);
  await expect(diffTrainingSets({ a: a.report.out, b, engine })).rejects.toMatchObject({ code });
});
