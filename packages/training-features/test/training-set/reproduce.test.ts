import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  buildTrainingSet,
  diffTrainingSets,
  type OfflineEngine,
  openDuckDb,
  reproduceTrainingSet,
  type TrainingSetRequest,
} from "../../src/index.ts";
import { history, writeHistory } from "../point-in-time/random-history.ts";
import { makeDefinitions, makeView, refsOf } from "../support/make-definitions.ts";
import { parquetRows, testEngine, writeParquet } from "../support/parquet.ts";
import { buildScene, bytesOf, entitiesSql, filesIn, rowsSql } from "../support/training-set.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());
afterEach(() => {
  vi.unstubAllEnvs();
});

const DAY = 86_400_000_000;
const view = makeView({ name: "stats", features: { v: "float64" }, ttl: DAY });
const files = {
  "entities.parquet": entitiesSql("(1, 10, 'yes')", "(1, 10, 'no')", "(2, 90000, 'no')", "(9, 10, NULL)"),
  "stats.parquet": rowsSql("(1, 5, 5, 1.5)", "(2, 5, 5, 2.5)"),
};

/** A training set in a folder of its own, and how it is built again. */
async function makeSet(request: Partial<TrainingSetRequest> = {}) {
  const folder = await temporaryFolder();
  const { report } = await buildScene({ engine, folder: folder.path, views: [view], files }, request);
  const definitions = makeDefinitions(folder.path, [view]);
  const again = { definitions, manifest: report.manifestPath, tenant: "default", engine };
  return { folder: folder.path, report, again, [Symbol.asyncDispose]: () => folder.remove() };
}

test("a large set with ties, out of order, is the same bytes at 1 and 8 threads", async () => {
  await using folder = await temporaryFolder();
  const wide = makeView({
    name: "stats",
    features: { v: "float64", w: "string" },
    source: { createdTimestampColumn: "created", createdMeans: "arrival" },
  });
  const at = (name: string) => join(folder.path, name);
  await writeParquet(
    engine,
    at("stats.parquet"),
    `SELECT (i * 7919) % 500 AS customer_id, TIMESTAMP '2026-01-01' + to_hours((i % 7)::INTEGER) AS event_timestamp,
      TIMESTAMP '2026-01-01' + to_hours((i % 11)::INTEGER) AS created, (i % 13)::DOUBLE AS v, 's' || (i % 5) AS w FROM range(30000) t(i) ORDER BY hash(i)`,
  );
  await writeParquet(
    engine,
    at("entities.parquet"),
    "SELECT (i * 31) % 600 AS customer_id, TIMESTAMP '2026-01-01' + to_minutes((i * 7 % 900)::INTEGER) AS event_timestamp, i % 3 AS label FROM range(310000) t(i)",
  );
  const definitions = makeDefinitions(folder.path, [wide]);
  const base = {
    definitions,
    features: refsOf(wide),
    entities: at("entities.parquet"),
    asOf: "bitemporal",
    tenant: "default",
  } as const;
  const eight = await openDuckDb({ threads: 8, memoryLimitBytes: 1e9 });
  try {
    const { manifestPath } = await buildTrainingSet({
      ...base,
      out: at("train.parquet"),
      split: "entity:0.8:s",
      engine,
    });
    const again = await reproduceTrainingSet({ definitions, manifest: manifestPath, tenant: "default", engine: eight });
    expect(again).toMatchObject({ reproduced: true, inputs: [], features: [], rows: null, notices: [] });
    expect(again.output.rebuilt_rows).toBe(310_000);
  } finally {
    await eight.close();
  }
});

test("any set is built again byte for byte, and differs from itself in nothing", async () => {
  const forms = fc.constantFrom<Partial<TrainingSetRequest>>(
    {},
    { asOf: "event_time" },
    { split: "time:0.5" },
    { split: "time:0.5", partitionBy: ["split"], out: "parts" },
    { out: "t.csv" },
  );
  await fc.assert(
    fc.asyncProperty(history, forms, async (history, form) => {
      await using folder = await temporaryFolder();
      const { views, entities } = await writeHistory(engine, folder.path, history);
      const timed = entities.filter(({ at }) => at !== null);
      if (form.split !== undefined && new Set(timed.map(({ at }) => at)).size < 4) return;
      const written = views.map((each) => each.view);
      const definitions = makeDefinitions(folder.path, written);
      const { out, manifestPath } = await buildTrainingSet({
        definitions,
        features: views.flatMap(({ view, asked }) => refsOf(view, { features: asked })),
        fullFeatureNames: true,
        entities: join(folder.path, "entities.parquet"),
        asOf: "bitemporal",
        tenant: "default",
        engine,
        ...form,
        out: join(folder.path, form.out ?? "t.parquet"),
      });
      const again = await reproduceTrainingSet({ definitions, manifest: manifestPath, tenant: "default", engine });
      expect(again.reproduced).toBe(true);
      const diff = await diffTrainingSets({ a: out, b: manifestPath, engine });
      expect(diff).toMatchObject({
        equal: true,
        bytes_equal: true,
        rows: { only_a: 0, only_b: 0, moved: 0 },
        notices: [],
      });
      expect(diff.rows?.columns.every(({ rows }) => rows === 0)).toBe(true);
    }),
    propertySettings(10),
  );
});

test("rows of a query are built again from the file that keeps them, into a file that stays if asked", async () => {
  await using folder = await temporaryFolder();
  const sql =
    "SELECT k::HUGEINT AS customer_id, TIMESTAMPTZ '2026-01-02 00:00:00+00' AS event_timestamp, 1.5::DECIMAL(5,2) AS d, k::HUGEINT + 9007199254740993 AS h, TIMESTAMP_MS '2026-01-01' AS ms FROM range(3) t(k)";
  const scene = { engine, folder: folder.path, views: [view], files: { "stats.parquet": files["stats.parquet"] } };
  const { report } = await buildScene(scene, { entities: { sql } });
  const definitions = makeDefinitions(folder.path, [view]);
  const request = { definitions, manifest: report.manifestPath, tenant: "default", engine };
  const again = await reproduceTrainingSet({ ...request, out: join(folder.path, "again.parquet") });
  expect(again).toMatchObject({ reproduced: true, out: join(folder.path, "again.parquet") });
  expect(bytesOf(join(folder.path, "again.parquet"))).toBe(bytesOf(report.out));
  const [first] = await parquetRows(engine, report.out.replace("train", "again"));
  expect(first).toMatchObject({ customer_id: 0n, h: 9007199254740993n });
  expect(filesIn(folder.path)).toContain("again.manifest.json");
});

test("what changed is named, inputs first: then nothing is built", async () => {
  await using set = await makeSet();
  // A folder of its own: in the machine's others come and go, as other packages' tests rebuild sets.
  await using temporary = await temporaryFolder();
  vi.stubEnv("TMPDIR", temporary.path);
  const original = readFileSync(join(set.folder, "stats.parquet"));
  await writeParquet(engine, join(set.folder, "stats.parquet"), rowsSql("(1, 5, 5, 1.25)"));
  const changed = await reproduceTrainingSet(set.again);
  expect(changed).toMatchObject({
    reproduced: false,
    inputs: [{ of: "stats", path: "stats.parquet", change: "changed" }],
    output: { rebuilt_sha256: null, rebuilt_rows: null },
  });
  rmSync(join(set.folder, "entities.parquet"));
  const gone = await reproduceTrainingSet(set.again);
  expect(gone.inputs).toEqual([
    { of: "entity rows", path: "entities.parquet", change: "removed" },
    { of: "stats", path: "stats.parquet", change: "changed" },
  ]);
  writeFileSync(join(set.folder, "stats.parquet"), original);
  await writeParquet(engine, join(set.folder, "entities.parquet"), files["entities.parquet"]);
  expect((await reproduceTrainingSet(set.again)).reproduced).toBe(true);

  const longer = makeView({ name: "stats", features: { v: "float64" }, ttl: 2 * DAY });
  const meant = await reproduceTrainingSet({ ...set.again, definitions: makeDefinitions(set.folder, [longer]) });
  expect(meant).toMatchObject({
    reproduced: false,
    inputs: [],
    features: [{ feature: "stats:v", change: "changed", what: [`ttl was ${DAY} and is ${2 * DAY}`] }],
    output: { rebuilt_sha256: null },
  });
  const other = makeView({ name: "other", features: { v: "float64" } });
  const without = await reproduceTrainingSet({ ...set.again, definitions: makeDefinitions(set.folder, [other]) });
  expect(without.features).toEqual([{ feature: "stats:v", change: "removed", what: [] }]);
  const worded = await reproduceTrainingSet({
    ...set.again,
    definitions: { ...set.again.definitions, hash: "1".repeat(64) },
  });
  expect(worded).toMatchObject({ reproduced: true, definitions: { equal: false } });
  expect(worded.notices).toEqual(["The definitions have changed since, but not what these features mean."]);
  expect(filesIn(temporary.path)).toEqual([]);
});

test("a file that came since, and an output that somebody changed, are told though the bytes are the same", async () => {
  await using folder = await temporaryFolder();
  const parts = makeView({ name: "stats", features: { v: "float64" }, source: { path: "stats/*.parquet" } });
  mkdirSync(join(folder.path, "stats"));
  const scene = { "entities.parquet": files["entities.parquet"], "stats/a.parquet": files["stats.parquet"] };
  const { report } = await buildScene({ engine, folder: folder.path, views: [parts], files: scene });
  const definitions = makeDefinitions(folder.path, [parts]);
  const again = { definitions, manifest: report.manifestPath, tenant: "default", engine };
  await writeParquet(engine, join(folder.path, "stats/b.parquet"), rowsSql("(77, 5, 5, 1)"));
  const added = await reproduceTrainingSet(again);
  expect(added).toMatchObject({
    reproduced: false,
    inputs: [{ of: "stats", path: "stats/b.parquet", change: "added" }],
  });
  expect(added.output.rebuilt_sha256).toBe(added.output.recorded_sha256);
  rmSync(join(folder.path, "stats/b.parquet"));
  copyFileSync(join(folder.path, "entities.parquet"), report.out);
  const tampered = await reproduceTrainingSet(again);
  expect(tampered.reproduced).toBe(false);
  expect(tampered.notices).toEqual([
    `${report.out} is not what train.manifest.json describes: somebody changed it, or put another in its place.`,
  ]);
  rmSync(report.out);
  expect(await reproduceTrainingSet(again)).toMatchObject({ reproduced: true, notices: [] });
});

test("other bytes are told apart by row, as when another version of the engine wrote them", async () => {
  await using set = await makeSet();
  const { manifestPath, manifest, out } = set.report;
  // The former set as an engine would have written it that finds another value.
  await writeParquet(
    engine,
    join(set.folder, "former.parquet"),
    `SELECT * REPLACE (v + 1 AS v) FROM read_parquet('${out}')`,
  );
  copyFileSync(join(set.folder, "former.parquet"), out);
  const { createHash } = await import("node:crypto");
  const sha256 = createHash("sha256").update(readFileSync(out)).digest("hex");
  const engineWas = { name: "duckdb", version: "v0.0.1" };
  writeFileSync(
    manifestPath,
    JSON.stringify({ ...manifest, engine: engineWas, output: { ...manifest.output, sha256 } }),
  );
  const again = await reproduceTrainingSet(set.again);
  expect(again).toMatchObject({
    reproduced: false,
    inputs: [],
    rows: { a: 4, b: 4, only_a: 0, only_b: 0, moved: 0 },
    notices: [expect.stringContaining("It was built by duckdb v0.0.1, and now by")],
  });
  expect(again.rows?.columns).toEqual([
    expect.objectContaining({ column: "label", rows: 0 }),
    expect.objectContaining({ column: "v", rows: 2, first_row: 0, mean_distance: 1, max_distance: 1 }),
  ]);
});

test.each<[string, (text: string) => string, string, string]>([
  ["no JSON", () => "larder.training-set/1", "SOURCE_UNREADABLE", ""],
  ["another file", () => "{}", "INVALID_REQUEST", ""],
  [
    "an unknown rule",
    (text) => text.replace('"as_of": "event_time"', '"as_of": "never"'),
    "SOURCE_UNREADABLE",
    "as_of",
  ],
  [
    "an older format without splits",
    (text) => text.replace('"split": null', '"split": 1'),
    "SOURCE_UNREADABLE",
    "split",
  ],
  ["a hostile split", (text) => text.replace('"split": null', '"split": {"how": "x"}'), "INVALID_REQUEST", "split"],
  [
    "inputs that are no list",
    (text) => text.replace('"inputs": [', '"inputs": 7, "i": ['),
    "SOURCE_UNREADABLE",
    "views",
  ],
  ["another project", (text) => text.replace('"project": "test"', '"project": "shop"'), "INVALID_REQUEST", "project"],
  ["another tenant", (text) => text.replace('"tenant": "default"', '"tenant": "acme"'), "INVALID_REQUEST", "tenant"],
  [
    "no hash of the output",
    (text) => text.replace(/"sha256": "\w+"(?=,\s+"files")/, '"sha256": null'),
    "UNSUPPORTED",
    "",
  ],
])("a manifest with %s is refused, and nothing is left behind", async (_, change, code, field) => {
  await using set = await makeSet();
  const text = readFileSync(set.report.manifestPath, "utf8");
  writeFileSync(set.report.manifestPath, change(text));
  expect(readFileSync(set.report.manifestPath, "utf8")).not.toBe(text);
  const failed = reproduceTrainingSet({ ...set.again, out: join(set.folder, "again.parquet") });
  await expect(failed).rejects.toMatchObject({ code, ...(field === "" ? {} : { facts: { field } }) });
  expect(filesIn(set.folder)).toEqual(["entities.parquet", "stats.parquet", "train.manifest.json", "train.parquet"]);
});

test("the set itself is never overwritten, a cancelled run leaves nothing", async () => {
  await using set = await makeSet();
  const before = [bytesOf(set.report.out), bytesOf(set.report.manifestPath)];
  const overwrite = reproduceTrainingSet({ ...set.again, out: set.report.out });
  await expect(overwrite).rejects.toMatchObject({ code: "INVALID_REQUEST", facts: { field: "out" } });
  const controller = new AbortController();
  const stopped = reproduceTrainingSet({
    ...set.again,
    out: join(set.folder, "again.parquet"),
    signal: controller.signal,
    onProgress: ({ step }) => step === "write" && controller.abort(),
  });
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  expect([bytesOf(set.report.out), bytesOf(set.report.manifestPath)]).toEqual(before);
  expect(filesIn(set.folder)).toHaveLength(4);
  const elsewhere = reproduceTrainingSet({ ...set.again, manifest: "s3://bucket/train.manifest.json" });
  await expect(elsewhere).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test("the manifest tells how old values are, and who finds none", async () => {
  await using folder = await temporaryFolder();
  const aged = makeView({ name: "stats", features: { v: "float64", w: "float64", x: "float64" }, ttl: 100_000_000 });
  // Ages 1 to 10 s, then one past its TTL of 100 s, and one that has nothing.
  const entities = entitiesSql(
    ...Array.from({ length: 10 }, (_, i) => `(${i}, ${i + 1}, 0)`),
    "(10, 500, 0)",
    "(99, 5, 0)",
  );
  const rows = rowsSql(...Array.from({ length: 11 }, (_, i) => `(${i}, 0, 0, ${i})`));
  const source = `SELECT *, CASE WHEN v < 5 THEN v END AS w, NULL::DOUBLE AS x FROM (${rows})`;
  const scene = {
    engine,
    folder: folder.path,
    views: [aged],
    files: { "entities.parquet": entities, "stats.parquet": source },
  };
  const { report } = await buildScene(scene);
  const shares = { absent: 1 / 12, out_of_ttl: 1 / 12 };
  expect(report.manifest.features.map(({ column, nulls, staleness }) => [column, nulls, staleness])).toEqual([
    ["v", 2, { p50_micros: 5e6, p90_micros: 9e6, max_micros: 10e6, ...shares }],
    ["w", 7, { p50_micros: 3e6, p90_micros: 5e6, max_micros: 5e6, ...shares }],
    ["x", 12, { p50_micros: null, p90_micros: null, max_micros: null, ...shares }],
  ]);
});
