import { createHash } from "node:crypto";
import { join, relative, sep } from "node:path";
import { type FeatureMeaning, hasScheme, meaningOfFeature } from "@larder/schema";
import type { LintFinding } from "../lint/finding.ts";
import { timeText } from "../lint/lint-context.ts";
import type { LintRequest } from "../lint/lint-training-set.ts";
import type { ObjectReader } from "../object-store/object-store.ts";
import { isObjectUrl } from "../object-store/object-url.ts";
import type { EngineSession } from "../offline/offline-engine.ts";
import type { AsOf, JoinSpec, OutputFeature } from "../point-in-time/join-spec.ts";
import type { ViewResult } from "../point-in-time/run-join.ts";
import type { EntityRows } from "./entity-rows.ts";
import { InputHashes } from "./input-hash.ts";
import type { PartitionFile } from "./partitions.ts";
import { type MadeSplit, SPLIT_COLUMN } from "./split.ts";
import type { TrainingSetRequest } from "./training-set.ts";

/** Version of the manifest's format. */
export const MANIFEST_FORMAT = "larder.training-set/1";

/** A file of a training set. Paths have forward slashes. */
export interface ManifestFile {
  /** Of a source relative to the definitions' folder, of the entity rows and the output relative to the manifest's. */
  readonly path: string;
  /** null where only the cluster can read the file; its path is then the cluster's. */
  readonly sha256: string | null;
  readonly rows: number;
}

/** A file of a source that took part. */
export interface ManifestInputFile {
  /** Relative to the definitions' folder; an object's address; the cluster's own path of a source that only the cluster reads. */
  readonly path: string;
  /** null where nobody here has all the bytes: of an object that httpfs read in place, whose ETag stands for them, and of what only the cluster reads. */
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
  /** Whether columns are named `view__feature`. */
  readonly full_feature_names: boolean;
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
    /** null where a cluster wrote the output. */
    readonly staleness: ManifestStaleness | null;
    /** What a model that is trained on the column is trained on. */
    readonly meaning: FeatureMeaning;
  }[];
  /** What the linter found; null if it was not asked. An example is named by its row alone: a manifest holds no entity's keys or values. */
  readonly lint: ManifestLint | null;
  /** null if none was asked for. */
  readonly split: ManifestSplit | null;
  readonly output: ManifestOutput;
}

/** What was written. */
export interface ManifestOutput extends ManifestFile {
  readonly columns: readonly string[];
  readonly sql: string;
  /** Columns whose values are the folders of a set in parts; null for a file. */
  readonly partition_by: readonly string[] | null;
  /** The parts, by paths below the set's folder; the hash of the set is then that of their hashes and paths. null for a file. */
  readonly files: readonly (PartitionFile & { readonly sha256: string })[] | null;
}

/** How old values of a feature are at the times of their labels. */
export interface ManifestStaleness {
  /** Of the values that are not null, at most 1.1 % too small, `max_micros` exact; null without any. */
  readonly p50_micros: number | null;
  readonly p90_micros: number | null;
  readonly max_micros: number | null;
  /** Shares of entity rows, 0 to 1: those that find no row of the view, and those that find only one past its TTL, see `ViewStaleness`. */
  readonly absent: number;
  readonly out_of_ttl: number;
}

/** How rows were divided. */
export interface ManifestSplit {
  /** As it was asked for: `time:0.8`. */
  readonly how: string;
  /** Name of its column. */
  readonly column: string;
  /** First moment of each part after `train`; null for a split by entity. */
  readonly cuts: readonly string[] | null;
  /** Rows by part, and those in none. */
  readonly rows: Readonly<Record<string, number>>;
  readonly without: number;
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

/** A path as manifests write it; an address as it is, unless it is in the same folder. */
export function relativePath(folder: string, file: string): string {
  if (hasScheme(file)) return file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
  if (hasScheme(folder)) return file.split(sep).join("/");
  return relative(folder, file).split(sep).join("/");
}

/** What a finished join is described from. */
export interface ManifestInput {
  readonly engine: EngineSession;
  readonly request: TrainingSetRequest;
  readonly timestampColumn: string;
  readonly spec: JoinSpec;
  readonly entities: Pick<EntityRows, "count" | "columns" | "nullTimes">;
  readonly views: readonly ViewResult[];
  readonly objectReader: ObjectReader | undefined;
  readonly findings: readonly LintFinding[] | undefined;
  /** Final path of the file with the entity rows, and where its bytes are now; undefined where only the cluster can read them. */
  readonly entitiesFile: string;
  readonly entitiesPath: string | undefined;
  /** The output's final path. */
  readonly out: string;
  /** Where the output's bytes are now; undefined where only the cluster can read them. */
  readonly outPath: string | undefined;
  /** The manifest's. */
  readonly folder: string;
  /** The statement that wrote it. */
  readonly outputSql: string;
  readonly split: MadeSplit | undefined;
  /** The files of a set in parts, below `outPath`. */
  readonly parts: readonly PartitionFile[] | undefined;
}

/** Describes a training set; reads every input once more for its hash. */
export async function compileManifest(input: ManifestInput): Promise<TrainingSetManifest> {
  const { engine, request, spec, entities, views, out } = input;
  const { definitions } = request;
  const hashes = new InputHashes(request.signal);
  const beside = (file: string) => relativePath(input.folder, file);
  const hashOf = async (path: string | undefined) => (path === undefined ? null : hashes.of(path));
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
    full_feature_names: request.fullFeatureNames ?? false,
    engine: { name: engine.name, version: engine.version },
    object_reader: input.objectReader?.name ?? null,
    entities: {
      path: beside(input.entitiesFile),
      sha256: await hashOf(input.entitiesPath),
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
        staleness: describeStaleness(views[projection]!, feature, entities.count),
        meaning: meanings.get(name)!,
      };
    }),
    lint: input.findings === undefined ? null : describeLint(request.lint, input.findings, input.split),
    split: input.split === undefined ? null : describeSplit(input.split),
    output: {
      path: beside(out),
      ...(await hashOutput(input, hashes)),
      rows: entities.count,
      columns: [
        ...entities.columns.map(({ name }) => name),
        ...spec.outputs.map(({ feature }) => feature.output),
        ...(input.split === undefined ? [] : [SPLIT_COLUMN]),
      ],
      partition_by: input.parts === undefined ? null : (request.partitionBy ?? null),
      sql: input.outputSql,
    },
  };
}

async function hashOutput(
  { outPath, parts }: ManifestInput,
  hashes: InputHashes,
): Promise<Pick<ManifestOutput, "sha256" | "files">> {
  if (outPath === undefined) return { sha256: null, files: null };
  if (parts === undefined) return { sha256: await hashes.of(outPath), files: null };
  const files = await inTurn(parts, async (file) => ({ ...file, sha256: await hashes.of(join(outPath, file.path)) }));
  return { sha256: hashOfParts(files), files };
}

/** SHA-256 (hex) of a set in parts: of their lines `hash  path`, as `sha256sum` writes them. */
export function hashOfParts(files: readonly { readonly path: string; readonly sha256: string }[]): string {
  return createHash("sha256")
    .update(files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(""))
    .digest("hex");
}

function describeStaleness(
  { projection, staleness }: ViewResult,
  feature: OutputFeature,
  rows: number,
): ManifestStaleness | null {
  if (staleness === undefined) return null;
  const ages = staleness.ages[projection.features.indexOf(feature)];
  const share = (part: number) => (rows === 0 ? 0 : part / rows);
  return {
    p50_micros: ages?.p50 ?? null,
    p90_micros: ages?.p90 ?? null,
    max_micros: ages?.max ?? null,
    absent: share(staleness.absent),
    out_of_ttl: share(staleness.outOfTtl),
  };
}

function describeSplit({ how, cuts, rows, without }: MadeSplit): ManifestSplit {
  return { how, column: SPLIT_COLUMN, cuts: cuts?.map(timeText) ?? null, rows, without };
}

function describeLint(
  request: LintRequest | undefined,
  findings: readonly LintFinding[],
  split: MadeSplit | undefined,
): ManifestLint {
  return {
    label: request?.label ?? null,
    split_column: request?.splitColumn ?? (split === undefined ? null : SPLIT_COLUMN),
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
      const path = table.paths.get(file);
      const rows = table.rows.get(file)!;
      if (path === undefined) return { path: file, sha256: null, rows };
      return {
        path: relativePath(folder, file),
        sha256: isObjectUrl(path) ? null : await hashes.of(path),
        ...(isObjectUrl(file) ? { etag: table.state.get(file)! } : {}),
        rows,
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
