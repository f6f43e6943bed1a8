import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FeatureRef, FeatureView } from "@larder/schema";
import {
  buildTrainingSet,
  type OfflineEngine,
  type TrainingSetReport,
  type TrainingSetRequest,
} from "../../src/index.ts";
import { makeDefinitions, refsOf } from "./make-definitions.ts";
import { parquetRows, writeParquet } from "./parquet.ts";

/** A training set of one test: files written by SQL (a name ending in .csv or .ndjson is written as such), entity rows in `entities`. */
export interface Scene {
  readonly engine: OfflineEngine;
  readonly folder: string;
  readonly views: readonly FeatureView[];
  readonly files: Readonly<Record<string, string>>;
  readonly features?: readonly FeatureRef[];
  readonly tenants?: readonly string[];
}

/** What a scene gave; `rows` of an output in Parquet. */
export interface Built {
  readonly report: TrainingSetReport;
  readonly rows: Record<string, unknown>[];
}

/** Writes the scene's files and builds `train.parquet` in its folder from `entities.parquet`, as of event time. */
export async function buildScene(scene: Scene, request: Partial<TrainingSetRequest> = {}): Promise<Built> {
  const { engine, folder, views, files } = scene;
  for (const [name, select] of Object.entries(files)) await writeParquet(engine, join(folder, name), select);
  const report = await buildTrainingSet({
    definitions: makeDefinitions(folder, views, scene.tenants),
    features: scene.features ?? views.flatMap((view) => refsOf(view)),
    entities: join(folder, "entities.parquet"),
    out: join(folder, "train.parquet"),
    asOf: "event_time",
    tenant: "default",
    engine,
    ...request,
  });
  return { report, rows: report.out.endsWith(".parquet") ? await parquetRows(engine, report.out) : [] };
}

/** Names of the files in a folder and its bytes, to see that a failure left nothing. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder).sort();
}

/** A file's bytes as text, for comparison. */
export function bytesOf(path: string): string {
  return readFileSync(path).toString("base64");
}

/** SQL of entity rows (customer, seconds after 2026, label). */
export function entitiesSql(...values: string[]): string {
  return `SELECT k::BIGINT AS customer_id, TIMESTAMP '2026-01-01' + to_microseconds((e * 1000000.0)::BIGINT) AS event_timestamp, l AS label
    FROM (VALUES ${values.join(", ")}) t(k, e, l)`;
}

/** SQL of feature rows (customer, seconds after 2026, created seconds after 2026, v). */
export function rowsSql(...values: string[]): string {
  return `SELECT k::BIGINT AS customer_id, TIMESTAMP '2026-01-01' + to_microseconds((e * 1000000.0)::BIGINT) AS event_timestamp,
    TIMESTAMP '2026-01-01' + to_microseconds((c * 1000000.0)::BIGINT) AS created, v::DOUBLE AS v FROM (VALUES ${values.join(", ")}) t(k, e, c, v)`;
}
