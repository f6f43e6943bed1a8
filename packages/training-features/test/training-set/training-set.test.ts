import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTrainingSet, type OfflineEngine, openDuckDb } from "../../src/index.ts";
import { makeDefinitions, makeView, refsOf } from "../support/make-definitions.ts";
import { parquetColumns, parquetRows, testEngine, writeParquet } from "../support/parquet.ts";
import { buildScene, bytesOf, entitiesSql, filesIn, rowsSql } from "../support/training-set.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const plain = makeView({ name: "stats", features: { v: "float64" } });
const arriving = (createdMeans?: "arrival" | "load_time") =>
  makeView({ name: "stats", features: { v: "float64" }, source: { createdTimestampColumn: "created", createdMeans } });

test("columns of the entity rows pass through, features stand beside them in the order asked for", async () => {
  await using folder = await temporaryFolder();
  const other = makeView({ name: "other", features: { w: "float64", x: "int32" } });
  const { report, rows } = await buildScene({
    engine,
    folder: folder.path,
    views: [plain, other],
    features: [...refsOf(other, { features: ["x"] }), ...refsOf(plain), ...refsOf(other, { features: ["w"] })],
    files: {
      "entities.parquet": entitiesSql("(1, 10, 'yes')", "(1, 10, 'yes')", "(9, 10, NULL)"),
      "stats.parquet": rowsSql("(1, 5, 5, 1.5)"),
      "other.parquet":
        "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, 2.5::DOUBLE AS w, 7::INTEGER AS x",
    },
  });
  expect((await parquetColumns(engine, report.out)).map(([name]) => name)).toEqual([
    "customer_id",
    "event_timestamp",
    "label",
    "x",
    "v",
    "w",
  ]);
  expect(rows.map(({ label, x, v, w }) => [label, x, v, w])).toEqual([
    ["yes", 7, 1.5, 2.5],
    ["yes", 7, 1.5, 2.5],
    [null, null, null, null],
  ]);
  expect(report.rows).toBe(3);
});

test("every type comes out as declared", async () => {
  await using folder = await temporaryFolder();
  const view = makeView({
    name: "types",
    features: {
      a: "int32",
      b: "int64",
      c: "float32",
      d: "float64",
      e: "bool",
      f: "string",
      g: "bytes",
      h: "unix_timestamp",
      i: "list<float32>",
      j: "list<string>",
      k: "list<unix_timestamp>",
    },
  });
  const { report, rows } = await buildScene({
    engine,
    folder: folder.path,
    views: [view],
    files: {
      "entities.parquet": entitiesSql("(1, 10, 0)"),
      "types.parquet": `SELECT 1::INTEGER AS customer_id, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS event_timestamp, 3::DOUBLE AS a,
        9007199254740993::DECIMAL(38,0) AS b, 0.1::DOUBLE AS c, 7::UTINYINT AS d, true AS e, 'ü' AS f, '\\xFF'::BLOB AS g,
        TIMESTAMP_MS '1969-12-31 23:59:59' AS h, [0.1, 2]::DOUBLE[] AS i, ['a', ''] AS j, [TIMESTAMPTZ '2026-01-01 02:00:00+02'] AS k`,
    },
  });
  expect((await parquetColumns(engine, report.out)).slice(3)).toEqual([
    ["a", "INTEGER"],
    ["b", "BIGINT"],
    ["c", "FLOAT"],
    ["d", "DOUBLE"],
    ["e", "BOOLEAN"],
    ["f", "VARCHAR"],
    ["g", "BLOB"],
    ["h", "TIMESTAMP WITH TIME ZONE"],
    ["i", "FLOAT[]"],
    ["j", "VARCHAR[]"],
    ["k", "TIMESTAMP WITH TIME ZONE[]"],
  ]);
  expect(rows[0]).toMatchObject({
    a: 3,
    b: 9007199254740993n,
    c: Math.fround(0.1),
    d: 7,
    e: true,
    f: "ü",
    g: Uint8Array.of(255),
    h: -1_000_000n,
    i: [Math.fround(0.1), 2],
    j: ["a", ""],
    k: [1_767_225_600_000_000n],
  });
});

test("the same inputs give the same bytes at any number of threads and whatever the order of rows and files", async () => {
  await using folder = await temporaryFolder();
  const view = makeView({
    name: "stats",
    features: { v: "float64", w: "string", x: "list<float64>" },
    source: { path: "stats/*.parquet", createdTimestampColumn: "created", createdMeans: "arrival" },
  });
  const definitions = makeDefinitions(folder.path, [view]);
  // A coarse grid: many ties in event and created time, whose values differ.
  const rows = `SELECT (i * 7919) % 500 AS customer_id, TIMESTAMP '2026-01-01' + to_hours((i % 7)::INTEGER) AS event_timestamp,
    TIMESTAMP '2026-01-01' + to_hours((i % 11)::INTEGER) AS created, (i % 13)::DOUBLE AS v, 's' || (i % 5) AS w, [i % 3, NULL]::DOUBLE[] AS n, [i % 3]::DOUBLE[] AS x FROM range(20000) t(i)`;
  mkdirSync(join(folder.path, "stats"));
  await writeParquet(
    engine,
    join(folder.path, "entities.parquet"),
    "SELECT (i * 31) % 600 AS customer_id, TIMESTAMP '2026-01-01' + to_minutes((i % 900)::INTEGER) AS event_timestamp, i AS label FROM range(20000) t(i)",
  );
  const bytes = new Set<string>();
  const manifests = new Set<string>();
  for (const [threads, order] of [
    [1, "i"],
    [2, "i DESC"],
    [4, "hash(i)"],
  ] as const) {
    const source = rows.replace("FROM range(20000) t(i)", `FROM (SELECT i FROM range(20000) t(i) ORDER BY ${order})`);
    for (const part of [0, 1, 2]) {
      await writeParquet(
        engine,
        join(folder.path, "stats", `${part}.parquet`),
        `SELECT * FROM (${source}) WHERE v % 3 = ${part}`,
      );
    }
    await using other = await openDuckDb({ threads, memoryLimitBytes: 1e9 });
    const report = await buildTrainingSet({
      definitions,
      features: refsOf(view),
      entities: join(folder.path, "entities.parquet"),
      out: join(folder.path, "train.parquet"),
      asOf: "bitemporal",
      tenant: "default",
      engine: other,
    });
    bytes.add(bytesOf(report.out));
    const manifest = readFileSync(report.manifestPath, "utf8");
    // The files' own bytes differ with their order of rows; nothing else may.
    const { inputs: _, ...rest } = JSON.parse(manifest).views[0];
    manifests.add(JSON.stringify(rest));
  }
  expect(bytes.size).toBe(1);
  expect(manifests.size).toBe(1);
});

test("two runs over the same files give byte-equal manifests, without time or machine", async () => {
  await using folder = await temporaryFolder();
  const scene = {
    engine,
    folder: folder.path,
    views: [arriving("arrival")],
    files: {
      "entities.parquet": entitiesSql("(1, 10, 0)"),
      "stats.parquet": rowsSql("(1, 5, 5, 1.5), (1, 6, 20, 2.5)"),
    },
  };
  const { report } = await buildScene(scene, { asOf: "bitemporal", service: "churn_v1" });
  const first = [bytesOf(report.out), readFileSync(report.manifestPath, "utf8")];
  await using own = await openDuckDb({ threads: 1 });
  await buildScene({ ...scene, files: {} }, { asOf: "bitemporal", service: "churn_v1", engine: own });
  expect([bytesOf(report.out), readFileSync(report.manifestPath, "utf8")]).toEqual(first);
  expect(first[1]).not.toContain(folder.path);
  expect(report.manifestPath).toBe(join(folder.path, "train.manifest.json"));
  expect(report.manifest).toEqual(JSON.parse(first[1]!));
  expect(report.manifest).toMatchObject({
    format: "larder.training-set/1",
    project: "test",
    definitions_hash: "0".repeat(64),
    tenant: "default",
    feature_service: "churn_v1",
    as_of: "bitemporal",
    timestamp_column: "event_timestamp",
    engine: { name: "duckdb", version: "v1.5.5" },
    entities: { path: "entities.parquet", rows: 1, null_times: 0 },
    views: [
      {
        name: "stats",
        view: "stats",
        join_keys: { customer_id: "customer_id" },
        ttl_micros: null,
        rule: "bitemporal",
        rule_reason: null,
        matched: { event_time: 1, bitemporal: 1 },
        unjoinable: 0,
        inputs: [{ path: "stats.parquet", rows: 2 }],
      },
    ],
    features: [{ feature: "stats:v", column: "v", type: "float64", nulls: 0 }],
    output: { path: "train.parquet", rows: 1, columns: ["customer_id", "event_timestamp", "label", "v"] },
  });
});

test("a view without arrival times is joined by event time, and the report says so", async () => {
  await using folder = await temporaryFolder();
  const files = {
    "entities.parquet": entitiesSql("(1, 10, 0), (NULL, 10, 1), (1, NULL, 2)"),
    "stats.parquet": rowsSql("(1, 5, 99, 1.5)"),
  };
  const loaded = await buildScene(
    { engine, folder: folder.path, views: [arriving("load_time")], files },
    { asOf: "bitemporal" },
  );
  expect(loaded.rows.map(({ v }) => v)).toEqual([1.5, null, null]);
  expect(loaded.report.notices).toEqual([
    "1 of 3 entity rows have no time: their features are null.",
    'Feature view "stats" is joined by event time only: its created column means load_time.',
    '1 of 3 entity rows have a null join key of feature view "stats".',
  ]);
  expect(loaded.report.manifest.views[0]).toMatchObject({
    rule: "event_time",
    rule_reason: "its created column means load_time",
    matched: { event_time: 1, bitemporal: null },
    unjoinable: 2,
  });
  const without = await buildScene({ engine, folder: folder.path, views: [plain], files }, { asOf: "bitemporal" });
  expect(without.report.manifest.views[0]!.rule_reason).toBe("its source has no created_timestamp_column");
  const asAsked = await buildScene({ engine, folder: folder.path, views: [plain], files }, { asOf: "event_time" });
  expect(asAsked.report.manifest.views[0]!.rule_reason).toBeNull();
});

test("created times that can only be load times stop a bitemporal run, with both counts and an example", async () => {
  await using folder = await temporaryFolder();
  const scene = (view = arriving()) => ({
    engine,
    folder: folder.path,
    views: [view],
    files: {
      "entities.parquet": entitiesSql("(7, 1, 0), (1, 10, 0), (2, 10, 0), (3, 10, 0), (4, 10, 0)"),
      "stats.parquet": rowsSql(
        "(1, 5, 5000, 1)",
        "(1, 5, 9000.5, 1)",
        "(2, 5, 5000, 2)",
        "(3, 5, 5000, 3)",
        "(4, 5, 6, 4)",
      ),
    },
  });
  const failed = buildScene(scene(), { asOf: "bitemporal" });
  await expect(failed).rejects.toMatchObject({
    code: "CREATED_LOOKS_LIKE_LOAD_TIME",
    facts: {
      view: "stats",
      column: "created",
      matched_bitemporal: 1,
      matched_event_time: 4,
      example_row: 1,
      example_at: "2026-01-01T00:00:10.000000Z",
      example_event: "2026-01-01T00:00:05.000000Z",
      example_created: "2026-01-01T01:23:20.000000Z",
    },
  });
  await expect(failed).rejects.toThrow(/only 1 of the 4 entity rows.*created_means: load_time.*event_time/s);
  expect(filesIn(folder.path)).toEqual(["entities.parquet", "stats.parquet"]);

  const stated = await buildScene(scene(arriving("arrival")), { asOf: "bitemporal" });
  expect(stated.rows.map(({ v }) => v)).toEqual([null, null, null, null, 4]);
  const weaker = await buildScene(scene(), { asOf: "event_time" });
  expect(weaker.report.manifest.views[0]!.matched).toEqual({ event_time: 4, bitemporal: 1 });
});

test("exactly half is enough to believe created times", async () => {
  await using folder = await temporaryFolder();
  const { rows } = await buildScene(
    {
      engine,
      folder: folder.path,
      views: [arriving()],
      files: {
        "entities.parquet": entitiesSql("(1, 10, 0), (2, 10, 0)"),
        "stats.parquet": rowsSql("(1, 5, 5000, 1)", "(2, 5, 10, 2)"),
      },
    },
    { asOf: "bitemporal" },
  );
  expect(rows.map(({ v }) => v)).toEqual([null, 2]);
});

test("an output named like a column of the entity rows, or like another feature, is refused; full names cure it", async () => {
  await using folder = await temporaryFolder();
  const twin = makeView({ name: "twin", features: { V: "float64" } });
  const file = rowsSql("(1, 5, 5, 1)");
  const files = {
    "entities.parquet": "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, 1 AS stats__v",
    "stats.parquet": file,
    "twin.parquet": file.replace("AS v", 'AS "V"'),
  };
  const scene = { engine, folder: folder.path, views: [plain, twin], files };
  await expect(buildScene(scene)).rejects.toMatchObject({ code: "FEATURE_NAME_COLLISION", facts: { field: "V" } });
  await expect(buildScene(scene, { fullFeatureNames: true })).rejects.toMatchObject({
    code: "FEATURE_NAME_COLLISION",
    facts: { field: "stats__v" },
  });
  await expect(buildScene({ ...scene, features: [...refsOf(plain), ...refsOf(plain)] })).rejects.toMatchObject({
    code: "FEATURE_NAME_COLLISION",
  });
  const { rows } = await buildScene({ ...scene, features: refsOf(twin) }, { fullFeatureNames: true });
  expect(Object.keys(rows[0]!)).toEqual(["customer_id", "event_timestamp", "stats__v", "twin__V"]);
});

test.each([
  ["a folder that is not there", "nowhere/train.parquet", "OUTPUT_UNWRITABLE"],
  ["a folder in its place", "taken.parquet", "OUTPUT_UNWRITABLE"],
  ["a folder in the manifest's place", "manifested.parquet", "OUTPUT_UNWRITABLE"],
  ["another format", "train.txt", "UNSUPPORTED"],
  ["an object store", "gs://bucket/train.parquet", "UNSUPPORTED"],
  ["an input", "stats.parquet", "INVALID_REQUEST"],
  ["the entity rows", "entities.parquet", "INVALID_REQUEST"],
])("an output to %s is refused and nothing is written", async (_, out, code) => {
  await using folder = await temporaryFolder();
  mkdirSync(join(folder.path, "taken.parquet"));
  mkdirSync(join(folder.path, "manifested.manifest.json"));
  const files = { "entities.parquet": entitiesSql("(1, 10, 0)"), "stats.parquet": rowsSql("(1, 5, 5, 1)") };
  const path = out.includes("://") ? out : join(folder.path, out);
  await expect(buildScene({ engine, folder: folder.path, views: [plain], files }, { out: path })).rejects.toMatchObject(
    { code },
  );
  expect(filesIn(folder.path)).toEqual([
    "entities.parquet",
    "manifested.manifest.json",
    "stats.parquet",
    "taken.parquet",
  ]);
});

test("a failure keeps the former training set", async () => {
  await using folder = await temporaryFolder();
  const scene = {
    engine,
    folder: folder.path,
    views: [plain],
    files: { "entities.parquet": entitiesSql("(1, 10, 0)"), "stats.parquet": rowsSql("(1, 5, 5, 1)") },
  };
  const { report } = await buildScene(scene);
  const before = [bytesOf(report.out), bytesOf(report.manifestPath)];
  writeFileSync(join(folder.path, "stats.parquet"), "PAR1 nonsense PAR1");
  await expect(buildScene({ ...scene, files: {} })).rejects.toMatchObject({ code: "SOURCE_UNREADABLE" });
  expect([bytesOf(report.out), bytesOf(report.manifestPath)]).toEqual(before);
  expect(filesIn(folder.path)).toHaveLength(4);
});

test("a damaged page ends the run, with its file and column, and leaves nothing", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "stats.parquet");
  const scene = { engine, folder: folder.path, views: [plain] };
  await buildScene({
    ...scene,
    files: { "entities.parquet": entitiesSql("(1, 10, 0)"), "stats.parquet": rowsSql("(1, 5, 5, 1)") },
  });
  for (const name of ["train.parquet", "train.manifest.json"]) rmSync(join(folder.path, name));
  const [page] = await engine.rows(
    `SELECT data_page_offset AS at FROM parquet_metadata('${path}') WHERE path_in_schema = 'v'`,
    { subject: { kind: "plan" } },
  );
  const start = Number(page!["at"]);
  writeFileSync(path, readFileSync(path).fill(0xff, start, start + 8));
  await expect(buildScene({ ...scene, files: {} })).rejects.toMatchObject({
    code: "SOURCE_UNREADABLE",
    facts: { view: "stats", file: path, column: "v" },
  });
  expect(filesIn(folder.path)).toEqual(["entities.parquet", "stats.parquet"]);
});

test("cancelling ends the run with ABORTED and leaves nothing", async () => {
  await using folder = await temporaryFolder();
  const big =
    "SELECT (i % 1000)::BIGINT AS customer_id, TIMESTAMP '2026-01-01' + to_microseconds(i) AS event_timestamp, i::DOUBLE AS v FROM range(300000) t(i)";
  const scene = {
    engine,
    folder: folder.path,
    views: [plain],
    files: { "entities.parquet": big.replace("AS v", "AS label"), "stats.parquet": big },
  };
  for (const step of ["entity rows", "join stats"]) {
    const controller = new AbortController();
    const run = buildScene(scene, {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.step === step) controller.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "ABORTED" });
    expect(filesIn(folder.path)).toEqual(["entities.parquet", "stats.parquet"]);
  }
  await expect(buildScene(scene, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
});

test("progress goes from nothing to all, step by step", async () => {
  await using folder = await temporaryFolder();
  const seen: { step: string; fraction: number }[] = [];
  await buildScene(
    {
      engine,
      folder: folder.path,
      views: [plain],
      files: { "entities.parquet": entitiesSql("(1, 10, 0)"), "stats.parquet": rowsSql("(1, 5, 5, 1)") },
    },
    { onProgress: (progress) => seen.push(progress) },
  );
  expect([...new Set(seen.map(({ step }) => step))]).toEqual(["entity rows", "join stats", "write", "manifest"]);
  expect(seen.map(({ fraction }) => fraction)).toEqual(seen.map(({ fraction }) => fraction).toSorted((a, b) => a - b));
  expect(seen.at(-1)!.fraction).toBeCloseTo(1);
});

test("an unknown tenant is refused before anything is read", async () => {
  await expect(
    buildTrainingSet({
      definitions: makeDefinitions("/nowhere", [plain]),
      features: refsOf(plain),
      entities: "entities.parquet",
      out: "train.parquet",
      asOf: "event_time",
      tenant: "acme",
      engine,
    }),
  ).rejects.toMatchObject({ code: "UNKNOWN_TENANT" });
});

test("an empty list of features is refused", async () => {
  await using folder = await temporaryFolder();
  const run = buildScene({ engine, folder: folder.path, views: [plain], features: [], files: {} });
  await expect(run).rejects.toMatchObject({ code: "INVALID_REQUEST", facts: { field: "features" } });
});

test("a file that is replaced while it is read fails the run, which can be repeated", async () => {
  await using folder = await temporaryFolder();
  const scene = {
    engine,
    folder: folder.path,
    views: [plain],
    files: { "entities.parquet": entitiesSql("(1, 10, 0)"), "stats.parquet": rowsSql("(1, 5, 5, 1)") },
  };
  const file = join(folder.path, "stats.parquet");
  const run = buildScene(scene, {
    onProgress: ({ step }) => {
      if (step === "write") writeFileSync(file, readFileSync(file));
    },
  });
  await expect(run).rejects.toMatchObject({ code: "SOURCE_UNREADABLE", retryable: true, facts: { file } });
  expect(existsSync(join(folder.path, "train.parquet"))).toBe(false);
});

test("without an engine a session is opened and closed again", async () => {
  await using folder = await temporaryFolder();
  await writeParquet(engine, join(folder.path, "entities.parquet"), entitiesSql("(1, 10, 0)"));
  await writeParquet(engine, join(folder.path, "stats.parquet"), rowsSql("(1, 5, 5, 1)"));
  const report = await buildTrainingSet({
    definitions: makeDefinitions(folder.path, [plain]),
    features: refsOf(plain),
    entities: join(folder.path, "entities.parquet"),
    out: join(folder.path, "train.parquet"),
    asOf: "event_time",
    tenant: "default",
  });
  expect(await parquetRows(engine, report.out)).toHaveLength(1);
  expect(statSync(report.manifestPath).isFile()).toBe(true);
});
