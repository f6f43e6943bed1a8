import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyType, OfflineStoreConfig, ValueType } from "@larder/schema";
import { buildTrainingSet, type OfflineEngine, type SparkEngine, type TrainingSetReport } from "../../src/index.ts";
import { makeDefinitions, makeView, refsOf } from "./make-definitions.ts";

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

const golden = join(import.meta.dirname, "..", "golden", "pit");
const TYPES: Readonly<Record<string, ValueType>> = { double: "float64", int64: "int64", string: "string" };

/** A golden case in one mode, with the file that holds the right answer. */
export interface GoldenRun {
  readonly name: string;
  readonly mode: string;
  readonly folder: string;
  /** Path of the expected Parquet. */
  readonly expected: string;
}

/** Names of the golden cases. */
export const goldenCases: readonly { readonly name: string }[] = JSON.parse(
  readFileSync(join(golden, "index.json"), "utf8"),
);

/** Every case in each of its modes. */
export const goldenRuns: readonly GoldenRun[] = goldenCases.flatMap(({ name }) => {
  const folder = join(golden, name);
  return Object.entries(readCase(folder).modes).map(([mode, file]) => ({
    name,
    mode,
    folder,
    expected: join(folder, file!),
  }));
});

/** What a golden case is run with. */
export interface GoldenEngines {
  readonly engine: OfflineEngine;
  readonly spark?: SparkEngine;
  /** Default: the case's folder, with DuckDB. */
  readonly offlineStore?: (folder: string) => OfflineStoreConfig;
  /** Where the training set goes. */
  readonly out: string;
  readonly entities?: (file: string) => string;
}

/** Builds the training set of a golden case. */
export function runGolden({ folder, mode }: GoldenRun, use: GoldenEngines): Promise<TrainingSetReport> {
  const golden = readCase(folder);
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
  const definitions = makeDefinitions(folder, views);
  const entities = join(folder, golden.entities);
  return buildTrainingSet({
    definitions: { ...definitions, offlineStore: use.offlineStore?.(folder) ?? definitions.offlineStore },
    features,
    fullFeatureNames: golden.full_feature_names,
    entities: use.entities?.(entities) ?? entities,
    out: use.out,
    asOf: mode === "bitemporal" ? "bitemporal" : "event_time",
    timestampColumn: golden.entity_timestamp,
    tenant: "default",
    engine: use.engine,
    ...(use.spark === undefined ? {} : { spark: use.spark }),
  });
}

function readCase(folder: string): GoldenCase {
  return JSON.parse(readFileSync(join(folder, "case.json"), "utf8"));
}
