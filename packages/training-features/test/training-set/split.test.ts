import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findInTrainingSets, type OfflineEngine, type TrainingSetRequest } from "../../src/index.ts";
import { makeDefinitions, makeView } from "../support/make-definitions.ts";
import { testEngine } from "../support/parquet.ts";
import { buildScene, bytesOf, entitiesSql, filesIn, rowsSql } from "../support/training-set.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const plan = { subject: { kind: "plan" } } as const;
const view = makeView({ name: "stats", features: { v: "float64" } });
const stats = rowsSql("(1, 5, 5, 1.5)", "(2, 5, 5, 2.5)");

async function build(entities: string, request: Partial<TrainingSetRequest>) {
  const folder = await temporaryFolder();
  const files = { "entities.parquet": entities, "stats.parquet": stats };
  try {
    const built = await buildScene({ engine, folder: folder.path, views: [view], files }, request);
    return { ...built, parts: built.rows.map((row) => row["split"]) };
  } finally {
    await folder.remove();
  }
}

test.each([
  // Ten rows, of which three share the moment that the share falls into.
  ["time:0.5", ["2026-01-01T00:00:08.000000Z"], { train: 7, test: 3 }, "TTTTTTThhh"],
  ["time:0.8", ["2026-01-01T00:00:09.000000Z"], { train: 8, test: 2 }, "TTTTTTTThh"],
  [
    "time:0.1/0.3",
    ["2026-01-01T00:00:02.000000Z", "2026-01-01T00:00:05.000000Z"],
    { train: 1, validation: 3, test: 6 },
    "TVVVhhhhhh",
  ],
  ["time:2026-01-01T00:00:05Z", ["2026-01-01T00:00:05.000000Z"], { train: 4, test: 6 }, "TTTThhhhhh"],
  [
    "time:2026-01-01T00:00:02Z/2026-01-01T00:00:09Z",
    ["2026-01-01T00:00:02.000000Z", "2026-01-01T00:00:09.000000Z"],
    { train: 1, validation: 7, test: 2 },
    "TVVVVVVVhh",
  ],
])("%s cuts at a moment, and rows of one moment stay together", async (split, cuts, rows, expected) => {
  const times = [1, 2, 3, 4, 5, 5, 5, 8, 9, 10];
  const { report, parts } = await build(entitiesSql(...times.map((at, i) => `(${i}, ${at}, 0)`)), { split });
  expect(parts.map((part) => ({ train: "T", validation: "V", test: "h" })[String(part)]).join("")).toBe(expected);
  expect(report.manifest.split).toEqual({ how: split, column: "split", cuts, rows, without: 0 });
  expect(report.manifest.output.columns.at(-1)).toBe("split");
});

test("a split by entity keeps an entity's rows together, in every set of that seed, and shares come near what was asked", async () => {
  const rows = (from: number) => Array.from({ length: 600 }, (_, i) => `(${from + (i % 300)}, ${i}, 0)`);
  const partsBy = async (split: string, from: number) => {
    const { rows: built, report } = await build(entitiesSql(...rows(from)), {
      split,
      lint: { clock: { now: () => 4e15 } },
    });
    expect(report.findings?.map(({ code }) => code)).not.toContain("SPLIT_SHARES_ENTITIES");
    const byEntity = new Map<string, Set<unknown>>();
    for (const row of built) {
      const key = String(row["customer_id"]);
      byEntity.set(key, (byEntity.get(key) ?? new Set()).add(row["split"]));
    }
    expect([...byEntity.values()].every((parts) => parts.size === 1)).toBe(true);
    return new Map([...byEntity].map(([key, [part]]) => [key, String(part)]));
  };
  const first = await partsBy("entity:0.6/0.2:a", 0);
  const count = (part: string) => [...first.values()].filter((each) => each === part).length / first.size;
  expect(count("train")).toBeCloseTo(0.6, 0);
  expect(count("validation")).toBeGreaterThan(0.1);
  expect(count("validation")).toBeLessThan(0.3);
  const second = await partsBy("entity:0.6/0.2:a", 150);
  for (const [key, part] of second) if (first.has(key)) expect(first.get(key)).toBe(part);
  expect(await partsBy("entity:0.6/0.2:b", 0)).not.toEqual(first);
});

test("no split that is made leaks by the linter's rules", async () => {
  const entity = fc.record({ k: fc.integer({ min: 0, max: 8 }), at: fc.integer({ min: 6, max: 30 }) });
  const how = fc.constantFrom("time:0.5", "time:0.4/0.3", "entity:0.5", "entity:0.4/0.3:x");
  await fc.assert(
    fc.asyncProperty(fc.array(entity, { minLength: 40, maxLength: 60 }), how, async (rows, split) => {
      const lint = { clock: { now: () => 4e15 } };
      const made = build(entitiesSql(...rows.map(({ k, at }) => `(${k}, ${at}, 0)`)), { split, lint });
      const { report } = await made;
      const codes = report.findings?.map(({ code }) => code);
      expect(codes).not.toContain("SPLIT_SHARES_ENTITIES");
      expect(codes).not.toContain("SPLIT_TIMES_OVERLAP");
      expect(report.manifest.lint?.split_column).toBe("split");
    }),
    propertySettings(5),
  );
});

test("rows without time or key are in no part, which the report says", async () => {
  const entities = entitiesSql("(1, 1, 0)", "(NULL, 2, 0)", "(2, NULL, 0)", "(3, 3, 0)", "(4, 4, 0)");
  const byTime = await build(entities, { split: "time:0.5" });
  expect(byTime.parts).toEqual(["train", "train", null, "test", "test"]);
  expect(byTime.report.notices.at(-1)).toBe("1 of 5 entity rows have no time: they are in no part of the split.");
  const byEntity = await build(entities, { split: "entity:0.5:5" });
  expect(byEntity.parts[1]).toBeNull();
  expect(byEntity.report.manifest.split?.without).toBe(1);
});

test.each([
  ["time:1.5"],
  ["time:0"],
  ["time:0.5/0.5"],
  ["time:0.2/0.2/0.2"],
  ["time:soon"],
  ["time:2026-02-01/2026-01-01"],
  ["entity:"],
  ["entity:many"],
  ["entity:-0.5"],
  ["random:0.5"],
  ["time:2030-01-01"],
  ["time:0.999"],
])("the split %s is refused and leaves nothing", async (split) => {
  await using folder = await temporaryFolder();
  const files = { "entities.parquet": entitiesSql("(1, 1, 0)", "(2, 2, 0)"), "stats.parquet": stats };
  const scene = { engine, folder: folder.path, views: [view], files };
  const failed = buildScene(scene, { split });
  await expect(failed).rejects.toMatchObject({ code: "INVALID_REQUEST", facts: { field: "split" } });
  expect(filesIn(folder.path)).toEqual(["entities.parquet", "stats.parquet"]);
});

test("a split next to a column that says one, or named split, is refused; so is one by entity without keys", async () => {
  const entities = entitiesSql("(1, 1, 0)", "(2, 2, 0)");
  const lint = { splitColumn: "label", clock: { now: () => 4e15 } };
  await expect(build(entities, { split: "time:0.5", lint })).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  const named = entities.replace("AS label", 'AS "Split"');
  await expect(build(named, { split: "time:0.5" })).rejects.toMatchObject({ code: "FEATURE_NAME_COLLISION" });
  await using folder = await temporaryFolder();
  const alone = makeView({ name: "stats", joinKeys: [], features: { v: "float64" } });
  const files = { "entities.parquet": entities, "stats.parquet": stats };
  const scene = { engine, folder: folder.path, views: [alone], files };
  await expect(buildScene(scene, { split: "entity:0.5" })).rejects.toMatchObject({ code: "INVALID_REQUEST" });
});

test("parts are folders named by their values, in the order of the entity rows within, and replaced as a whole", async () => {
  await using folder = await temporaryFolder();
  const rows = Array.from(
    { length: 40 },
    (_, i) => `(${i % 7}, ${40 - i}, ${["'a/b'", "''", "NULL", "'é=1%'"][i % 4]})`,
  );
  const files = { "entities.parquet": entitiesSql(...rows), "stats.parquet": stats };
  const scene = { engine, folder: folder.path, views: [view], files };
  const out = join(folder.path, "train");
  const { report } = await buildScene(scene, { out, split: "time:0.5", partitionBy: ["split", "label"] });
  expect(report.manifest.output).toMatchObject({ path: "train", rows: 40, partition_by: ["split", "label"] });
  const paths = report.manifest.output.files!.map(({ path }) => path);
  expect(paths).toHaveLength(8);
  expect(paths).toContain("split=train/label=a%2Fb/part-0.parquet");
  expect(paths).toContain("split=test/label=%C3%A9%3D1%25/part-0.parquet");
  expect(paths).toContain("split=test/label=__HIVE_DEFAULT_PARTITION__/part-0.parquet");
  for (const { path, rows: count } of report.manifest.output.files!) {
    // Without the folders' names.
    const file = `read_parquet('${join(out, path)}', hive_partitioning = false)`;
    const part = await engine.rows(
      `SELECT * REPLACE (epoch_us(event_timestamp) AS event_timestamp) FROM ${file}`,
      plan,
    );
    expect(part).toHaveLength(count);
    expect(Object.keys(part[0]!)).toEqual(["customer_id", "event_timestamp", "v"]);
    const times = part.map((row) => Number(row["event_timestamp"]));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  }
  const [read] = await engine.rows(
    `SELECT count(*) AS n, count(DISTINCT label) AS labels, count(*) FILTER (split = 'train') AS train FROM read_parquet('${out}/**/*.parquet', hive_partitioning = true)`,
    plan,
  );
  expect(read).toEqual({ n: 40n, labels: 3n, train: 20n });

  const again = await buildScene({ ...scene, files: {} }, { out, partitionBy: ["label"] });
  expect(readdirSync(out).sort()).toHaveLength(4);
  expect(again.report.manifest.output.files!.every(({ path }) => existsSync(join(out, path)))).toBe(true);
  expect(filesIn(folder.path)).toEqual(["entities.parquet", "stats.parquet", "train", "train.manifest.json"]);
  const definitions = makeDefinitions(folder.path, [view]);
  const found = await findInTrainingSets({
    definitions,
    tenant: "default",
    entity: { customer_id: 3 },
    folder: folder.path,
  });
  expect(found.found).toMatchObject([{ file: out, rows: 6 }]);
});

test.each<[string, Partial<TrainingSetRequest>, string]>([
  ["a column that is not there", { partitionBy: ["nothing"] }, "INVALID_REQUEST"],
  ["no column", { partitionBy: [] }, "INVALID_REQUEST"],
  ["the same twice", { partitionBy: ["label", "label"] }, "INVALID_REQUEST"],
  ["a join key", { partitionBy: ["customer_id"] }, "INVALID_REQUEST"],
  ["the time", { partitionBy: ["event_timestamp"] }, "INVALID_REQUEST"],
  ["a fraction", { partitionBy: ["v"] }, "INVALID_REQUEST"],
  ["1001 values", { partitionBy: ["label"], entities: "many.parquet" }, "INVALID_REQUEST"],
  ["a file", { partitionBy: ["label"], out: "entities.parquet" }, "OUTPUT_UNWRITABLE"],
  ["CSV", { partitionBy: ["label"], out: "train.csv" }, "UNSUPPORTED"],
  ["an object store", { partitionBy: ["label"], out: "s3://bucket/train" }, "UNSUPPORTED"],
  ["a folder that holds the sources", { partitionBy: ["label"], out: "." }, "OUTPUT_UNWRITABLE"],
  ["values too long for a folder", { partitionBy: ["label"], entities: "long.parquet" }, "OUTPUT_UNWRITABLE"],
])("parts by %s are refused and leave everything as it was", async (_, request, code) => {
  await using folder = await temporaryFolder();
  const files = {
    "entities.parquet": entitiesSql("(1, 10, 0)", "(2, 10, 1)"),
    "many.parquet": entitiesSql(...Array.from({ length: 1001 }, (_, i) => `(1, 10, ${i})`)),
    "long.parquet": entitiesSql(`(1, 10, '${"x".repeat(300)}')`),
    "stats.parquet": stats,
  };
  const scene = { engine, folder: folder.path, views: [view], files };
  const { out = "train", entities = "entities.parquet" } = request;
  const failed = buildScene(scene, {
    ...request,
    out: out.includes("://") ? out : join(folder.path, out),
    entities: join(folder.path, String(entities)),
  });
  await expect(failed).rejects.toMatchObject({ code });
  expect(filesIn(folder.path)).toEqual(Object.keys(files).sort());
});

test("a failure or a cancel keeps the former parts, and a folder with somebody's own file is not replaced", async () => {
  await using folder = await temporaryFolder();
  const files = { "entities.parquet": entitiesSql("(1, 10, 0)", "(2, 10, 1)"), "stats.parquet": stats };
  const scene = { engine, folder: folder.path, views: [view], files };
  const request = { out: join(folder.path, "train"), partitionBy: ["label"] };
  const { report } = await buildScene(scene, request);
  const parts = report.manifest.output.files!.map(({ path }) => join(request.out, path));
  const before = [...parts.map(bytesOf), bytesOf(report.manifestPath)];
  const controller = new AbortController();
  const stopped = buildScene(
    { ...scene, files: {} },
    { ...request, signal: controller.signal, onProgress: ({ step }) => step === "write" && controller.abort() },
  );
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  await engine.run(`COPY (SELECT 1 AS mine) TO '${request.out}/mine.parquet'`, plan);
  await expect(buildScene({ ...scene, files: {} }, request)).rejects.toMatchObject({ code: "OUTPUT_UNWRITABLE" });
  expect([...parts.map(bytesOf), bytesOf(report.manifestPath)]).toEqual(before);
  expect(filesIn(folder.path)).toEqual(["entities.parquet", "stats.parquet", "train", "train.manifest.json"]);
});
