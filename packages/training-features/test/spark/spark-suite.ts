import { join } from "node:path";
import type { OfflineStoreConfig } from "@larder/schema";
import { type SparkConnectServer, type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OfflineEngine, openSpark, type SparkEngine } from "../../src/index.ts";
import { goldenRuns, runGolden } from "../support/golden-cases.ts";
import { parquetColumns, parquetRows, testEngine } from "../support/parquet.ts";

/** What every Spark Connect server must do, run by one test file for each. */
export function sparkSuite(start: () => Promise<SparkConnectServer>): void {
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
  });

  test.each(goldenRuns)("golden case $name, $mode", async (run) => {
    const out = join(folder.path, `${run.name}_${run.mode}.parquet`);
    const report = await runGolden(run, { engine, spark, out, offlineStore: storeAt });
    expect(await parquetColumns(engine, out)).toEqual(await parquetColumns(engine, run.expected));
    expect(await parquetRows(engine, out)).toEqual(await parquetRows(engine, run.expected));
  });

  test.each(goldenRuns.filter(({ name }) => COUNTED.has(name)))(
    "$name, $mode is counted as DuckDB counts it",
    async (run) => {
      const there = await runGolden(run, {
        engine,
        spark,
        out: join(folder.path, "there.parquet"),
        offlineStore: storeAt,
      });
      const here = await runGolden(run, { engine, out: join(folder.path, "here.parquet") });
      const counts = ({ manifest }: typeof here) =>
        manifest.views.map(({ name, rule, matched, unjoinable }) => ({ name, rule, matched, unjoinable }));
      expect(counts(there)).toEqual(counts(here));
      expect(there.manifest.features).toEqual(here.manifest.features);
      expect(there.notices).toEqual(here.notices);
    },
  );
}

/** Cases with late arrivals, rows that find nothing, and several views. */
const COUNTED: ReadonlySet<string> = new Set(["null_keys", "random_small", "three_views"]);
