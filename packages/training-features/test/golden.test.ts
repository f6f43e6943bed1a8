import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KeyType, ValueType } from "@larder/schema";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTrainingSet, type OfflineEngine } from "../src/index.ts";
import { makeDefinitions, makeView, refsOf } from "./support/make-definitions.ts";
import { parquetColumns, parquetRows, testEngine } from "./support/parquet.ts";

interface GoldenCase {
  readonly name: string;
  readonly entities: string;
  readonly entity_timestamp: string;
  readonly entity_keys: Readonly<Record<string, KeyType>>;
  readonly full_feature_names: boolean;
  readonly views: readonly {
    readonly name: string;
    readonly file: string;
    readonly join_keys: readonly { readonly view: string; readonly entity: string }[];
    readonly timestamp_field: string;
    readonly created_timestamp_column: string | null;
    readonly created_means: "arrival" | "load_time";
    readonly ttl_us: number;
    readonly tombstone_column: string | null;
    readonly features: Readonly<Record<string, string>>;
  }[];
  readonly modes: Readonly<Record<"default" | "bitemporal", string | undefined>>;
}

const golden = join(import.meta.dirname, "golden", "pit");
const index: { name: string }[] = JSON.parse(readFileSync(join(golden, "index.json"), "utf8"));
const TYPES: Readonly<Record<string, ValueType>> = { double: "float64", int64: "int64", string: "string" };

const runs = index.flatMap(({ name }) => {
  const golden: GoldenCase = readCase(name);
  return Object.entries(golden.modes).map(([mode, expected]) => ({ name, mode, expected: expected! }));
});

let engine: OfflineEngine;
let folder: string;
beforeAll(async () => {
  engine = await testEngine();
  folder = mkdtempSync(join(tmpdir(), "larder-golden-"));
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

test("the golden cases are all there", () => {
  expect(index).toHaveLength(27);
  expect(runs).toHaveLength(37);
});

test.each(runs)("golden case $name, $mode", async ({ name, mode, expected }) => {
  const golden = readCase(name);
  const views = golden.views.map((view) =>
    makeView({
      name: view.name,
      joinKeys: view.join_keys.map((key) => ({
        name: key.view,
        // The case gives the entity rows' types; the files of views hold int64 where those are narrower.
        type: golden.entity_keys[key.entity] === "int32" ? "int64" : golden.entity_keys[key.entity]!,
      })),
      features: Object.fromEntries(Object.entries(view.features).map(([feature, type]) => [feature, TYPES[type]!])),
      ttl: view.ttl_us,
      source: {
        path: view.file,
        timestampField: view.timestamp_field,
        createdTimestampColumn: view.created_timestamp_column ?? undefined,
        createdMeans: view.created_means,
        tombstoneColumn: view.tombstone_column ?? undefined,
      },
    }),
  );
  const features = views.flatMap((view, i) =>
    refsOf(view, { keys: Object.fromEntries(golden.views[i]!.join_keys.map((key) => [key.view, key.entity])) }),
  );
  const out = join(folder, `${name}_${mode}.parquet`);
  const report = await buildTrainingSet({
    definitions: makeDefinitions(join(goldenFolder(name)), views),
    features,
    fullFeatureNames: golden.full_feature_names,
    entities: join(goldenFolder(name), golden.entities),
    out,
    asOf: mode === "bitemporal" ? "bitemporal" : "event_time",
    timestampColumn: golden.entity_timestamp,
    tenant: "default",
    engine,
  });
  const wanted = join(goldenFolder(name), expected);
  expect(await parquetColumns(engine, out)).toEqual(await parquetColumns(engine, wanted));
  const rows = await parquetRows(engine, out);
  expect(rows).toEqual(await parquetRows(engine, wanted));
  expect(report.rows).toBe(rows.length);
});

function goldenFolder(name: string): string {
  return join(golden, name);
}

function readCase(name: string): GoldenCase {
  return JSON.parse(readFileSync(join(golden, name, "case.json"), "utf8"));
}
