import { join } from "node:path";
import type { FeatureView } from "@larder/schema";
import { propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AsOf, buildTrainingSet, type OfflineEngine, readLatestRows } from "../../src/index.ts";
import { makeDefinitions, refsOf } from "../support/make-definitions.ts";
import { parquetRows, testEngine } from "../support/parquet.ts";
import { history, T0, type WrittenView, writeHistory } from "./random-history.ts";
import { compareLists, compareRows, type ReferenceRow } from "./reference-join.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

test("any history joins as the plain loops say, by both rules, and its latest rows are theirs", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (history) => {
      await using folder = await temporaryFolder();
      const { entities, views, step } = await writeHistory(engine, folder.path, history);
      for (const asOf of ["event_time", "bitemporal"] as const) {
        const { rows, matched } = await train(folder.path, views, asOf);
        expect(rows.map(({ row_no }) => row_no)).toEqual(entities.map((_, i) => BigInt(i)));
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
          expect(matched[i]).toEqual({ event_time: found("event_time"), bitemporal });
        }
      }
      for (const { view, rows } of views) {
        const window = { start: T0, end: T0 + 8n * step };
        expect(await latest(folder.path, view, window)).toEqual(referenceLatest(view, rows, window));
      }
    }),
    { ...propertySettings(12), endOnFailure: true },
  );
});

interface Window {
  readonly start: bigint;
  readonly end: bigint;
}

async function train(folder: string, views: readonly WrittenView[], asOf: AsOf) {
  const definitions = makeDefinitions(
    folder,
    views.map(({ view }) => view),
  );
  const { out, manifest } = await buildTrainingSet({
    definitions,
    features: views.flatMap(({ view, asked }) => refsOf(view, { features: asked })),
    fullFeatureNames: true,
    entities: join(folder, "entities.parquet"),
    out: join(folder, `${asOf}.parquet`),
    asOf,
    tenant: "default",
    engine,
  });
  return { rows: await parquetRows(engine, out), matched: manifest.views.map(({ matched }) => matched) };
}

async function latest(folder: string, view: FeatureView, window: Window): Promise<unknown[]> {
  const names = [...view.joinKeys.map(({ name }) => name), "event_timestamp", "f", "n", "s"];
  const found: unknown[] = [];
  const definitions = makeDefinitions(folder, [view]);
  const chunks = readLatestRows({ definitions, view, tenant: "default", ...window, engine, chunkRows: 7 });
  for await (const { rows } of chunks) found.push(...rows.map((row) => names.map((name) => row[name])));
  return found;
}

/** The latest rows in the order of their keys. */
function referenceLatest(view: FeatureView, rows: readonly ReferenceRow[], { start, end }: Window): unknown[] {
  const hasCreated = view.source?.createdTimestampColumn !== undefined;
  const winners = new Map<string, ReferenceRow>();
  for (const row of rows) {
    if (row.event === null || row.event < start || row.event > end || row.keys.includes(null)) continue;
    const key = JSON.stringify(row.keys.map(String));
    const other = winners.get(key);
    if (other === undefined || compareRows(row, other, hasCreated) > 0) winners.set(key, row);
  }
  return [...winners.values()]
    .sort((a, b) => compareLists(a.keys, b.keys))
    .map((row) => [...row.keys, row.event, ...row.values]);
}
