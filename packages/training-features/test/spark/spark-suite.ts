import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import type { FeatureView, OfflineStoreConfig, ValueType } from "@larder/schema";
import {
  freePort,
  propertySettings,
  type SparkConnectServer,
  type TemporaryFolder,
  temporaryFolder,
} from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type AsOf,
  buildTrainingSet,
  type OfflineEngine,
  openSpark,
  type SparkEngine,
  type TrainingSetReport,
} from "../../src/index.ts";
import { history, writeHistory } from "../point-in-time/random-history.ts";
import { type GoldenRun, goldenFolder, goldenRequest, goldenRuns } from "../support/golden-cases.ts";
import { makeDefinitions, makeView, refsOf } from "../support/make-definitions.ts";
import { parquetColumns, parquetRows, testEngine } from "../support/parquet.ts";
import { buildScene, entitiesSql, rowsSql } from "../support/training-set.ts";
import { startGate } from "./gate.ts";

/** What a server lacks of Spark. */
export interface SparkGaps {
  /** ORDER BY is not the order of the files that are written. */
  readonly writesUnordered?: boolean;
  /** Functions with a lambda fail over a column of a file, so lists whose items are converted cannot be read. */
  readonly noLambdas?: boolean;
}

/** What every Spark Connect server must do, run by one test file for each. */
export function sparkSuite(start: () => Promise<SparkConnectServer>, gaps: SparkGaps = {}): void {
  let server: SparkConnectServer;
  let spark: SparkEngine;
  let engine: OfflineEngine;
  let folder: TemporaryFolder;
  beforeAll(async () => {
    server = await start();
    spark = await openSpark(server.remote);
    engine = await testEngine();
    folder = await temporaryFolder();
  });
  afterAll(async () => {
    await spark.close();
    await engine.close();
    await server.stop();
    await folder.remove();
  });
  const storeAt = (path: string): OfflineStoreConfig => ({
    type: "spark",
    path: `file://${path}`,
    remote: server.remote,
    s3: undefined,
  });
  /** A golden case as the cluster sees it. */
  const onSpark = (run: GoldenRun): ReturnType<typeof goldenRequest> => {
    const request = goldenRequest(run);
    const definitions = { ...request.definitions, offlineStore: storeAt(join(goldenFolder, run.name)) };
    return { ...request, definitions, engine, spark };
  };

  test.each(goldenRuns)("golden case $name, $mode, is joined and counted as here", async (run) => {
    const out = join(folder.path, `${run.name}_${run.mode}.parquet`);
    const there = await buildTrainingSet({ ...onSpark(run), out });
    expect(await parquetColumns(engine, out)).toEqual(await parquetColumns(engine, run.expected));
    expect(await parquetRows(engine, out)).toEqual(await parquetRows(engine, run.expected));
    if (!COUNTED.has(run.name)) return;
    const here = await buildTrainingSet({ ...goldenRequest(run), engine, out: join(folder.path, "here.parquet") });
    expect(countsOf(there)).toEqual(countsOf(here));
    expect(there.manifest.features).toEqual(here.manifest.features);
    expect(there.notices).toEqual(here.notices);
  });

  test("any history joins as the plain loops say, by both rules", async () => {
    await fc.assert(
      fc.asyncProperty(history, async (history) => {
        await using place = await temporaryFolder();
        const { entities, views } = await writeHistory(engine, place.path, history);
        const definitions = makeDefinitions(
          place.path,
          views.map(({ view }) => view),
        );
        for (const asOf of ["event_time", "bitemporal"] as const) {
          const { out, manifest } = await buildTrainingSet({
            definitions: { ...definitions, offlineStore: storeAt(place.path) },
            features: views.flatMap(({ view, asked }) => refsOf(view, { features: asked })),
            fullFeatureNames: true,
            entities: join(place.path, "entities.parquet"),
            out: join(place.path, `${asOf}.parquet`),
            asOf,
            tenant: "default",
            engine,
            spark,
          });
          const rows = await parquetRows(engine, out);
          for (const [i, { view, asked, join }] of views.entries()) {
            const winners = join(entities, asOf);
            for (const feature of asked) {
              const { index } = view.featureByName.get(feature)!;
              const expected = winners.map((winner) =>
                winner === undefined || winner.deleted ? null : winner.values[index],
              );
              expect(rows.map((row) => row[`${view.name}__${feature}`])).toEqual(expected);
            }
            const found = (rule: AsOf) => join(entities, rule).filter((winner) => winner !== undefined).length;
            const bitemporal = view.source?.createdMeans === "arrival" ? found("bitemporal") : null;
            expect(manifest.views[i]!.matched).toEqual({ event_time: found("event_time"), bitemporal });
          }
        }
      }),
      { ...propertySettings(6), endOnFailure: true },
    );
  });

  test.each(goldenRuns.filter(({ name, mode }) => WRITTEN_THERE.has(`${name} ${mode}`)))(
    "the cluster writes $name, $mode, from entity rows here and there, in their order",
    async (run) => {
      const expected = await parquetRows(engine, run.expected);
      for (const [from, entities] of [
        ["here", onSpark(run).entities],
        ["there", `file://${onSpark(run).entities}`],
      ] as const) {
        const out = `file://${folder.path}/${run.name}_${run.mode}_${from}`;
        const report = await buildTrainingSet({ ...onSpark(run), entities, out });
        try {
          const rows = await parquetRows(engine, `${out.slice("file://".length)}/*.parquet`);
          const numbers = (of: typeof rows) => of.map((row) => Number(row["row_no"]));
          if (gaps.writesUnordered !== true) expect(numbers(rows)).toEqual(numbers(expected));
          expect(rows.toSorted((a, b) => Number(a["row_no"]) - Number(b["row_no"]))).toEqual(expected);
          expect(report.manifest.output).toMatchObject({ path: out, sha256: null, rows: expected.length });
          expect(report.manifest.entities.rows).toBe(expected.length);
          const nulls = (column: string) => expected.filter((row) => row[column] === null).length;
          expect(report.manifest.features.map(({ nulls }) => nulls)).toEqual(
            report.manifest.features.map(({ column }) => nulls(column)),
          );
        } finally {
          await rm(report.manifestPath, { force: true });
        }
      }
    },
  );

  test("values of every type come back as they are, in lists too", async () => {
    const view = makeView({
      name: "all_types",
      features: {
        i32: "int32",
        i64: "int64",
        f32: "float32",
        b: "bool",
        s: "string",
        y: "bytes",
        u: "unix_timestamp",
        l64: "list<int64>",
        ls: "list<string>",
        ...(gaps.noLambdas === true ? {} : ({ lu: "list<unix_timestamp>" } as const)),
        lf: "list<float64>",
      },
    });
    const place = join(folder.path, "types");
    const scene = {
      engine,
      folder: place,
      views: [view],
      files: {
        "entities.parquet": "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2026-01-02' AS event_timestamp, 'x' AS label",
        "all_types.parquet": `SELECT 1::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, 7::INTEGER AS i32,
          '-9223372036854775808'::BIGINT AS i64, 1.5::FLOAT AS f32, true AS b, chr(65279) || 'a' || chr(0) || '🥫' AS s, '\\x00\\xFF'::BLOB AS y,
          TIMESTAMP '1969-12-31 23:59:59' AS u, [9007199254740993, -1]::BIGINT[] AS l64, ['', chr(65279)] AS ls,
          [TIMESTAMP '2026-01-01 00:00:01'] AS lu, [0.1, 'nan'::DOUBLE] AS lf`,
      },
    };
    await mkdir(place, { recursive: true });
    const here = await buildScene(scene);
    const definitions = { ...makeDefinitions(place, [view]), offlineStore: storeAt(place) };
    const there = await buildScene(scene, { definitions, spark });
    expect(there.rows).toEqual(here.rows);
    expect(there.rows[0]).toMatchObject({ i64: -(2n ** 63n), l64: [9007199254740993n, -1n] });
  });

  test("failures are named: no file, a missing column, a value of another type, created times of a load", async () => {
    const place = join(folder.path, "failures");
    await mkdir(place, { recursive: true });
    const view = (features: Record<string, ValueType>, source = {}) => makeView({ name: "v", features, source });
    const build = (of: FeatureView, files: Record<string, string>) =>
      buildScene(
        { engine, folder: place, views: [of], files },
        {
          definitions: { ...makeDefinitions(place, [of]), offlineStore: storeAt(place) },
          spark,
          asOf: "bitemporal",
        },
      );
    const entities = { "entities.parquet": entitiesSql("(1, 10, 1)") };
    await expect(build(view({ v: "float64" }), entities)).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
    const files = { ...entities, "v.parquet": rowsSql("(1, 5, 50, 1.5)") };
    await expect(build(view({ w: "float64" }), files)).rejects.toMatchObject({
      code: "SOURCE_MISMATCH",
      facts: { view: "v", column: "w" },
    });
    await expect(build(view({ v: "int64" }), files)).rejects.toThrow(/column "v": 1.5 is not an int64/);
    const created = { createdTimestampColumn: "created" };
    await expect(build(view({ v: "float64" }, created), files)).rejects.toMatchObject({
      code: "CREATED_LOOKS_LIKE_LOAD_TIME",
      facts: {
        matched_bitemporal: 0,
        matched_event_time: 1,
        example_at: "2026-01-01T00:00:10.000000Z",
        example_created: "2026-01-01T00:00:50.000000Z",
      },
    });
    expect(await readdir(place)).toEqual(["entities.parquet", "v.parquet"]);
    const partitioned = view({ v: "float64" }, { hivePartitions: new Map([["region", "column"]]) });
    await expect(build(partitioned, files)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await writeFile(join(place, "v.parquet"), "PAR1 this is none");
    await expect(build(view({ v: "float64" }), entities)).rejects.toMatchObject({ code: "SOURCE_UNREADABLE" });
    await expect(spark.rows("SELECT FROM WHERE", PLAN)).rejects.toMatchObject({ code: "OFFLINE_FAILED" });
  });

  test("a cancelled statement ends, and the session goes on", async () => {
    const cancel = new AbortController();
    const endless = spark.rows(ENDLESS, { ...PLAN, signal: cancel.signal });
    cancel.abort();
    await expect(endless).rejects.toMatchObject({ code: "ABORTED" });
    expect(await spark.rows("SELECT 1 AS n", PLAN)).toEqual([{ n: 1 }]);
  });

  test("statements cancelled while they are planned do not run on: whoever comes next finds a free cluster", async () => {
    for (const ms of [5, 10, 20, 20]) {
      const run = spark.rows(ENDLESS, { ...PLAN, signal: AbortSignal.timeout(ms) });
      await expect(run).rejects.toMatchObject({ code: "ABORTED" });
      const job = "SELECT count(*) AS n FROM range(0, 1000000, 1, 4) WHERE id % 7 = 1";
      const next = await spark.rows(job, { ...PLAN, signal: AbortSignal.timeout(60_000) });
      expect(next).toEqual([{ n: 142857n }]);
    }
  });

  test("a server that is not there is said to be unreachable", async () => {
    const port = await freePort();
    await expect(openSpark(`sc://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: "OFFLINE_FAILED",
      retryable: true,
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  test("a gate that wants TLS and a token lets in whoever has it, and the token is in no message", async () => {
    await using gate = await startGate(server, "t0ken");
    const { rootCertificates } = gate;
    const remote = `sc://localhost:${gate.port}/;use_ssl=true;token=`;
    await using inside = await openSpark(`${remote}t0ken`, { rootCertificates });
    expect(await inside.rows("SELECT 2 AS n", PLAN)).toEqual([{ n: 2 }]);
    const refused = await openSpark(`${remote}wr0ng`, { rootCertificates }).catch((error) => error);
    expect(refused).toMatchObject({ code: "OFFLINE_FAILED", retryable: false });
    expect(refused.message).toMatch(/refuses the caller/);
    expect(inspect(refused, { depth: 10 })).not.toContain("wr0ng");
    await expect(openSpark(`sc://localhost:${gate.port}`, { timeoutMs: 10_000 })).rejects.toMatchObject({
      code: "OFFLINE_FAILED",
      retryable: true,
    });
  });
}

const PLAN = { subject: { kind: "plan" } } as const;

const ENDLESS =
  "SELECT sum(a.id * b.id) AS n FROM range(10000000) AS a CROSS JOIN range(10000000) AS b WHERE a.id % 7 <> b.id % 5";

function countsOf({ manifest }: TrainingSetReport) {
  return manifest.views.map(({ name, rule, matched, unjoinable }) => ({ name, rule, matched, unjoinable }));
}

/** All kinds of rows that find nothing, times of every notation, and enough rows for order to show. */
const WRITTEN_THERE: ReadonlySet<string> = new Set([
  "null_keys default",
  "time_zones default",
  "random_large bitemporal",
]);

/** Cases with late arrivals, rows that find nothing, and several views. */
const COUNTED: ReadonlySet<string> = new Set(["null_keys", "random_small", "three_views"]);
