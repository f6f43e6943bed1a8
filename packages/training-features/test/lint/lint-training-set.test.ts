import { temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OfflineEngine, openDuckDb } from "../../src/index.ts";
import { days, type LintSketch, lintScene, NOW, normal, u } from "../support/lint-scene.ts";
import { makeDefinitions, makeView, refsOf } from "../support/make-definitions.ts";
import { testEngine } from "../support/parquet.ts";
import { buildScene, filesIn } from "../support/training-set.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const clock = { now: () => NOW };
const leaking: LintSketch = {
  rows: 500,
  repeat: 2,
  asOf: "event_time",
  delay: `${u(5, "d")} * ${days(20)}`,
  features: {
    near: ["float64", `y * 5 + ${normal(7)}`],
    other: ["float64", `CASE WHEN ${u(8)} < 0.6 THEN NULL ELSE ${normal(9)} END`],
  },
  columns: { part: `CASE WHEN ${u(10)} < 0.8 THEN 'train' ELSE 'test' END` },
  split: "part",
};

test("findings do not depend on the number of threads", async () => {
  await using folder = await temporaryFolder();
  const once = await lintScene(engine, folder.path, leaking);
  await using wide = await openDuckDb({ threads: 4, memoryLimitBytes: 512 * 1024 * 1024 });
  const again = await lintScene(wide, folder.path, leaking);
  expect(again.findings).toEqual(once.findings);
  expect(again.manifest).toEqual(once.manifest);
  expect(new Set(once.findings.map(({ severity }) => severity))).toEqual(new Set(["error", "warning"]));
  const quantity = { label: `50 + ${normal(1)}`, features: { near: ["float64", `y + 0.05 * ${normal(7)}`] } } as const;
  const found = await lintScene(engine, folder.path, quantity);
  expect((await lintScene(wide, folder.path, quantity)).findings).toEqual(found.findings);
  expect(found.findings).toHaveLength(1);
});

test("the linter leaves no table in the caller's session, also when it refuses", async () => {
  await using folder = await temporaryFolder();
  await lintScene(engine, folder.path, leaking);
  await expect(lintScene(engine, folder.path, leaking, { failOn: "error" })).rejects.toMatchObject({
    code: "LEAK_FOUND",
  });
  const tables = await engine.rows("SELECT table_name FROM duckdb_tables()", { subject: { kind: "plan" } });
  expect(tables).toEqual([]);
});

test("it is a step of its own, can be stopped, and leaves nothing then", async () => {
  await using folder = await temporaryFolder();
  const stop = new AbortController();
  const view = makeView({ name: "facts", features: { v: "float64" } });
  const steps: string[] = [];
  const scene = {
    engine,
    folder: folder.path,
    views: [view],
    features: refsOf(view),
    files: {
      "entities.parquet":
        "SELECT i::BIGINT AS customer_id, TIMESTAMP '2026-01-02' AS event_timestamp, i % 2 AS label FROM range(100) AS t(i)",
      "facts.parquet":
        "SELECT i::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, i::DOUBLE AS v FROM range(100) AS t(i)",
    },
  };
  const lint = { label: "label", clock };
  const building = buildScene(scene, {
    lint,
    signal: stop.signal,
    onProgress: ({ step }) => {
      steps.push(step);
      if (step === "lint") stop.abort();
    },
  });
  await expect(building).rejects.toMatchObject({ code: "ABORTED" });
  expect(steps.at(-1)).toBe("lint");
  expect(filesIn(folder.path)).toEqual(["entities.parquet", "facts.parquet"]);

  const fractions: number[] = [];
  await buildScene(scene, { lint, onProgress: ({ fraction }) => fractions.push(fraction) });
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
});

test("composite keys, views without keys, odd names, keys and labels that are null", async () => {
  await using folder = await temporaryFolder();
  const keys = [
    { name: "country", type: "string" as const },
    { name: "number", type: "int32" as const },
  ];
  const shops = makeView({ name: "shops", joinKeys: keys, features: { size: "float64" } });
  const world = makeView({ name: "world", joinKeys: [], features: { 'a "b"': "string" } });
  const { report } = await buildScene(
    {
      engine,
      folder: folder.path,
      views: [shops, world],
      files: {
        "entities.parquet": `SELECT CASE WHEN i = 7 THEN NULL ELSE 'it''s' || i % 40 END AS country, (i // 40)::INTEGER AS number,
          CASE WHEN i = 8 THEN NULL ELSE TIMESTAMP '2026-01-02' + to_seconds(i) END AS event_timestamp,
          CASE WHEN i % 30 = 0 THEN NULL WHEN i % 3 = 0 THEN 'it''s' ELSE 'no' END AS "the ""label""" FROM range(400) AS t(i)`,
        "shops.parquet": `SELECT 'it''s' || i % 40 AS country, (i // 40)::INTEGER AS number, TIMESTAMP '2026-01-01' AS event_timestamp,
          CASE WHEN i % 3 = 0 THEN 1.5 ELSE 2.5 END AS size FROM range(400) AS t(i)`,
        "world.parquet": `SELECT TIMESTAMP '2026-01-01' AS event_timestamp, 'x' AS "a ""b""" FROM range(1)`,
      },
    },
    { lint: { label: 'the "label"', clock } },
  );
  expect(report.findings).toMatchObject([
    {
      code: "FEATURE_IS_LABEL",
      severity: "error",
      feature: "size",
      example: { row: 3, values: { country: "it's3", number: "0", time: "2026-01-02T00:00:03.000000Z", size: "1.5" } },
    },
  ]);
});

test("a cluster's training sets are not looked at, which is said before anything is asked of it", async () => {
  await using folder = await temporaryFolder();
  const view = makeView({ name: "facts", features: { v: "float64" } });
  const offlineStore = { type: "spark", path: "/lake", remote: "sc://127.0.0.1:1", s3: undefined } as const;
  const definitions = { ...makeDefinitions(folder.path, [view]), offlineStore };
  const building = buildScene(
    { engine, folder: folder.path, views: [view], files: {} },
    { definitions, lint: { clock } },
  );
  await expect(building).rejects.toMatchObject({ code: "UNSUPPORTED", remedy: expect.stringContaining("duckdb") });
  expect(filesIn(folder.path)).toEqual([]);
});

test("a split column that is not there is refused, and nothing is written", async () => {
  await using folder = await temporaryFolder();
  const missing = lintScene(engine, folder.path, {}, { splitColumn: "part" });
  await expect(missing).rejects.toMatchObject({ code: "INVALID_REQUEST", facts: { field: "split_column" } });
  expect(filesIn(folder.path)).toEqual(["entities.parquet", "facts.parquet"]);
});
