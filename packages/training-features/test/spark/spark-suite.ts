import { join } from "node:path";
import type { OfflineStoreConfig } from "@larder/schema";
import { type SparkConnectServer, type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AsOf, buildTrainingSet, type OfflineEngine, openSpark, type SparkEngine } from "../../src/index.ts";
import { history, writeHistory } from "../point-in-time/random-history.ts";
import { goldenRuns, runGolden } from "../support/golden-cases.ts";
import { makeDefinitions, refsOf } from "../support/make-definitions.ts";
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
}

/** Cases with late arrivals, rows that find nothing, and several views. */
const COUNTED: ReadonlySet<string> = new Set(["null_keys", "random_small", "three_views"]);
