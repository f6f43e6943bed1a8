import { dirname, relative, sep } from "node:path";
import { type FeatureMeaning, meaningOfFeature } from "@larder/schema";
import type { LintFinding } from "../lint/finding.ts";
import type { LintRequest } from "../lint/lint-training-set.ts";
import type { ObjectReader } from "../object-store/object-store.ts";
import { isObjectUrl } from "../object-store/object-url.ts";
import type { OfflineEngine } from "../offline/offline-engine.ts";
import type { AsOf, JoinSpec } from "../point-in-time/join-spec.ts";
import type { ViewResult } from "../point-in-time/run-join.ts";
import type { EntityRows } from "./entity-rows.ts";
import { InputHashes } from "./input-hash.ts";
import type { TrainingSetRequest } from "./training-set.ts";

/** Version of the manifest's format. */
export const MANIFEST_FORMAT = "larder.training-set/1";

/** A file of a training set. Paths have forward slashes. */
export interface ManifestFile {
  /** Of a source relative to the definitions' folder, of the entity rows and the output relative to the manifest's. */
  readonly path: string;
  readonly sha256: string;
  readonly rows: number;
}

/** A file of a source that took part. */
export interface ManifestInputFile {
  /** Relative to the definitions' folder; an object's address. */
  readonly path: string;
  /** null for an object that httpfs read in place, so that nobody has all its bytes: its ETag stands for them. */
  readonly sha256: string | null;
  /** Of an object. */
  readonly etag?: string;
  readonly rows: number;
}

/** One view of a training set. */
export interface ManifestView {
  /** Its name in the request, an alias perhaps. */
  readonly name: string;
  readonly view: string;
  /** Join key -> column of the entity rows. */
  readonly join_keys: Readonly<Record<string, string>>;
  /** null = no limit. */
  readonly ttl_micros: number | null;
  /** The rule that held, and why it is weaker than what was asked for. */
  readonly rule: AsOf;
  readonly rule_reason: string | null;
  /** Entity rows that found a row under each rule; null where the bitemporal rule has no meaning. */
  readonly matched: { readonly event_time: number; readonly bitemporal: number | null };
  /** Entity rows without time or without whole key. */
  readonly unjoinable: number;
  readonly inputs: readonly ManifestInputFile[];
  readonly sql: readonly string[];
}

/**
 * What a training set was made from and by which rules: the file beside it. The same inputs give the same bytes, so it holds no moment, duration or
 * absolute path.
 */
export interface TrainingSetManifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly project: string;
  readonly definitions_hash: string;
  readonly tenant: string;
  readonly feature_service: string | null;
  readonly as_of: AsOf;
  readonly timestamp_column: string;
  readonly engine: { readonly name: string; readonly version: string };
  /** Who read the sources that are in S3; null where none is. */
  readonly object_reader: ObjectReader["name"] | null;
  readonly entities: ManifestFile & { readonly null_times: number };
  readonly views: readonly ManifestView[];
  /** In the order of their columns. */
  readonly features: readonly {
    readonly feature: string;
    readonly column: string;
    readonly type: string;
    readonly nulls: number;
    /** What a model that is trained on the column is trained on. */
    readonly meaning: FeatureMeaning;
  }[];
  /** What the linter found; null if it was not asked. An example is named by its row alone: a manifest holds no entity's keys or values. */
  readonly lint: ManifestLint | null;
  readonly output: ManifestFile & { readonly columns: readonly string[]; readonly sql: string };
}

/** What the linter was told and found. */
export interface ManifestLint {
  readonly label: string | null;
  readonly split_column: string | null;
  readonly findings: readonly (Omit<LintFinding, "why" | "remedy" | "example"> & {
    readonly example_row: number | null;
  })[];
}

/** The manifest's path: `train.parquet` has `train.manifest.json` beside it. */
export function manifestPathOf(out: string): string {
  return `${out.replace(/\.(parquet|csv|arrow)$/i, "")}.manifest.json`;
}

/** Where entity rows of a query or in memory are kept: `train.entities.parquet`. */
export function keptEntitiesPathOf(out: string): string {
  return `${out.replace(/\.(parquet|csv|arrow)$/i, "")}.entities.parquet`;
}

/** The manifest's text. */
export function manifestText(manifest: TrainingSetManifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** A path as manifests write it; an object's address as it is, unless it is in the same folder. */
export function relativePath(folder: string, file: string): string {
  if (isObjectUrl(file)) return file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
  if (isObjectUrl(folder)) return file.split(sep).join("/");
  return relative(folder, file).split(sep).join("/");
}

/** What a finished join is described from. */
export interface ManifestInput {
  readonly engine: OfflineEngine;
  readonly request: TrainingSetRequest;
  readonly timestampColumn: string;
  readonly spec: JoinSpec;
  readonly entities: EntityRows;
  readonly views: readonly ViewResult[];
  readonly objectReader: ObjectReader | undefined;
  readonly findings: readonly LintFinding[] | undefined;
  /** Final path of the file with the entity rows, and where its bytes are now. */
  readonly entitiesFile: string;
  readonly entitiesPath: string;
  /** The output's final path, the present ones of what is being written, and the statement that wrote it. */
  readonly out: string;
  readonly partOf: (path: string) => string;
  readonly outputSql: string;
}

/** Describes a training set; reads every input once more for its hash. */
export async function compileManifest(input: ManifestInput): Promise<TrainingSetManifest> {
  const { engine, request, spec, entities, views, out } = input;
  const { definitions } = request;
  const hashes = new InputHashes(request.signal);
  const beside = (file: string) => relativePath(dirname(out), file);
  const nulls = views.map(
    ({ projection, nulls }) => new Map(projection.features.map((feature, i) => [feature, nulls[i]!])),
  );
  const meanings = new Map(
    request.features.map((ref) => [`${ref.viewName}:${ref.feature.name}`, meaningOfFeature(ref)]),
  );
  return {
    format: MANIFEST_FORMAT,
    project: definitions.project,
    definitions_hash: definitions.hash,
    tenant: request.tenant,
    feature_service: request.service ?? null,
    as_of: spec.asOf,
    timestamp_column: input.timestampColumn,
    engine: { name: engine.name, version: engine.version },
    object_reader: input.objectReader?.name ?? null,
    entities: {
      path: beside(input.entitiesFile),
      sha256: await hashes.of(input.entitiesPath),
      rows: entities.count,
      null_times: entities.nullTimes,
    },
    views: await inTurn(views, (view) => describeView(view, definitions.folder, hashes)),
    features: spec.outputs.map(({ projection, feature }) => {
      const name = `${spec.projections[projection]!.name}:${feature.feature.name}`;
      const type = feature.type;
      return {
        feature: name,
        column: feature.output,
        type,
        nulls: nulls[projection]!.get(feature)!,
        meaning: meanings.get(name)!,
      };
    }),
    lint: input.findings === undefined ? null : describeLint(request.lint, input.findings),
    output: {
      path: beside(out),
      sha256: await hashes.of(input.partOf(out)),
      rows: entities.count,
      columns: [...entities.columns.map(({ name }) => name), ...spec.outputs.map(({ feature }) => feature.output)],
      sql: input.outputSql,
    },
  };
}

function describeLint(request: LintRequest | undefined, findings: readonly LintFinding[]): ManifestLint {
  return {
    label: request?.label ?? null,
    split_column: request?.splitColumn ?? null,
    findings: findings.map(({ code, severity, view, feature, what, rows, example }) => ({
      code,
      severity,
      view,
      feature,
      what,
      rows,
      example_row: example?.row ?? null,
    })),
  };
}

async function describeView(result: ViewResult, folder: string, hashes: InputHashes): Promise<ManifestView> {
  const { projection, table, matched } = result;
  return {
    name: projection.name,
    view: projection.view.name,
    join_keys: Object.fromEntries(projection.keys.map(({ name, entityColumn }) => [name, entityColumn])),
    ttl_micros: projection.ttl === undefined ? null : Number(projection.ttl),
    rule: projection.rule,
    rule_reason: projection.ruleReason ?? null,
    matched: { event_time: matched.eventTime, bitemporal: matched.bitemporal ?? null },
    unjoinable: result.unjoinable,
    inputs: await inTurn(table.files, async (file) => {
      const path = table.paths.get(file)!;
      return {
        path: relativePath(folder, file),
        sha256: isObjectUrl(path) ? null : await hashes.of(path),
        ...(isObjectUrl(file) ? { etag: table.state.get(file)! } : {}),
        rows: table.rows.get(file)!,
      };
    }),
    sql: result.sql,
  };
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
