import { dirname, resolve, sep } from "node:path";
import {
  type Definitions,
  type FeatureRef,
  findTenant,
  hasScheme,
  LarderError,
  type SparkStoreConfig,
} from "@larder/schema";
import type { LintFinding } from "../lint/finding.ts";
import { checkLintColumns, LINT_TABLES } from "../lint/lint-rows.ts";
import { type LintRequest, lintTrainingSet, refuseLeaks } from "../lint/lint-training-set.ts";
import { ObjectStore } from "../object-store/object-store.ts";
import { isObjectUrl } from "../object-store/object-url.ts";
import { openDuckDb } from "../offline/duckdb-session.ts";
import { refuseChanges } from "../offline/file-state.ts";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import { requireDuckDb } from "../offline/require-duckdb.ts";
import { dropTables, quoteName } from "../offline/sql-text.ts";
import { StatementRunner } from "../offline/statement-runner.ts";
import { foundTable, joinedTable, outputSql } from "../point-in-time/build-sql.ts";
import { type AsOf, compileJoinSpec, type JoinSpec, refuseCollisions } from "../point-in-time/join-spec.ts";
import { JOIN_TABLES, type JoinViewInput, joinView, type ViewResult } from "../point-in-time/run-join.ts";
import { buildOnCluster } from "../spark/cluster-training-set.ts";
import { shipEntities } from "../spark/ship-entities.ts";
import { joinViewOnSpark } from "../spark/spark-join.ts";
import { openSpark, type SparkEngine } from "../spark/spark-session.ts";
import { type EntityRows, loadEntityRows } from "./entity-rows.ts";
import type { EntityInput } from "./entity-source.ts";
import {
  compileManifest,
  keptEntitiesPathOf,
  manifestPathOf,
  manifestText,
  relativePath,
  type TrainingSetManifest,
} from "./manifest.ts";
import { noticesOf } from "./notices.ts";
import { claimOutput } from "./output-files.ts";
import { type OutputFormat, outputFormatOf, writeOutput } from "./output-format.ts";
import { checkPartitions, PARTITION_TABLE, writePartitions } from "./partitions.ts";
import { makeSplit, parseSplit, SPLIT_COLUMN } from "./split.ts";

/** A training set to be built. Paths count from the process's folder. */
export interface TrainingSetRequest {
  readonly definitions: Definitions;
  /** From `findFeature` or a feature service; their order is the order of the columns. */
  readonly features: readonly FeatureRef[];
  /** Names output columns `view__feature`. Default false. */
  readonly fullFeatureNames?: boolean;
  /**
   * A time and the join keys; other columns (labels) come out as they went in. What is in no file is kept beside the output, as Parquet, so that the
   * training set can be built again.
   */
  readonly entities: EntityInput;
  /**
   * Parquet, CSV or Arrow IPC file (or object in S3) to write, by its extension; one that exists is replaced once the new one is whole. With
   * `offline_store.type` spark a file here, or a folder as the cluster sees it, with its scheme (`s3a://…`), which the cluster fills with Parquet; the
   * manifest is then in the process's folder.
   */
  readonly out: string;
  readonly asOf: AsOf;
  /** Default `event_timestamp`. */
  readonly timestampColumn?: string;
  readonly tenant: string;
  /** Name of the feature service, for the manifest. */
  readonly service?: string;
  /** Adds the column `split` that says which rows are to train on, see {@link parseSplit}: `time:0.8`, `entity:0.7/0.15:seed`. */
  readonly split?: string;
  /** Writes `out` as a folder of Parquet, one file for each combination of these columns' values, as Hive names folders; the columns are in the names alone. */
  readonly partitionBy?: readonly string[];
  /** Looks for leaks before anything is written, across a split too; default: not. */
  readonly lint?: LintRequest;
  /** An open session to use; by default one is opened and closed. */
  readonly engine?: OfflineEngine;
  /** An open session on the cluster of `offline_store.type` spark, to use; by default one is opened and closed. */
  readonly spark?: SparkEngine;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingSetProgress) => void;
}

/** How far a training set is. */
export interface TrainingSetProgress {
  /** `entity rows`, `join churn_features`, `lint`, `write`, `manifest`. */
  readonly step: string;
  /** Share of the whole that is done, 0 to 1. */
  readonly fraction: number;
}

/** A training set that was built. */
export interface TrainingSetReport {
  /** Absolute paths. */
  readonly out: string;
  readonly manifestPath: string;
  readonly rows: number;
  readonly manifest: TrainingSetManifest;
  /** What the reader should know, as sentences: a rule that is weaker than what was asked for, rows that cannot find anything. */
  readonly notices: readonly string[];
  /** What the linter found, gravest first; undefined if it was not asked. */
  readonly findings: readonly LintFinding[] | undefined;
}

/**
 * Builds a training set: the entity rows in their order, duplicates included, with the features that were known at each one's time and nulls where
 * nothing is found. Writes the Parquet file and its manifest under temporary names and renames them, so that a failure leaves nothing behind. The same
 * inputs give the same bytes, at any number of threads.
 *
 * @throws ENTITY_ROWS_INVALID, FEATURE_NAME_COLLISION, SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_MISMATCH, CREATED_LOOKS_LIKE_LOAD_TIME,
 *   OUTPUT_UNWRITABLE, INVALID_REQUEST, UNSUPPORTED, UNKNOWN_TENANT, MISSING_DEPENDENCY, OFFLINE_FAILED, ABORTED, LEAK_FOUND
 */
export async function buildTrainingSet(request: TrainingSetRequest): Promise<TrainingSetReport> {
  findTenant(request.definitions, request.tenant);
  const spec = compileJoinSpec(request);
  if (request.lint !== undefined) requireDuckDb(request.definitions, "Looking for leaks", "build without it");
  const { offlineStore } = request.definitions;
  if (offlineStore.type === "spark" && hasScheme(request.out)) {
    return withEngine(request, spec, (engine) =>
      withSpark(request, offlineStore, (spark) => buildOnCluster({ engine, spark, request, spec })),
    );
  }
  const out = isObjectUrl(request.out) ? request.out : resolve(request.out);
  const format = outputFormatOf(request.out, spec, request.partitionBy !== undefined);
  checkSplit(request);
  const manifestPath = manifestPathOf(out);
  const kept = typeof request.entities === "string" ? undefined : keptEntitiesPathOf(out);
  await using objects = new ObjectStore(offlineStore.s3);
  const company = { manifest: manifestPath, entities: kept, parts: request.partitionBy !== undefined };
  const output = await claimOutput(out, company, objects, request.signal);
  try {
    const { entities, views, manifest, findings } = await withEngine(request, spec, async (engine) => {
      const work = { engine, request, spec, out, format, kept, objects, partOf: output.partOf };
      try {
        return offlineStore.type === "duckdb"
          ? await joinAndWrite({ ...work, spark: undefined })
          : await withSpark(request, offlineStore, (spark) => joinAndWrite({ ...work, spark }));
      } finally {
        await objects.release();
      }
    });
    await output.commit(manifestText(manifest));
    const notices = noticesOf(entities, views, objects.reader, manifest.split ?? undefined);
    return { out, manifestPath, rows: entities.count, manifest, notices, findings };
  } finally {
    await output.discard();
  }
}

interface Joined {
  readonly entities: EntityRows;
  readonly views: readonly ViewResult[];
  readonly manifest: TrainingSetManifest;
  readonly findings: readonly LintFinding[] | undefined;
}

interface Work {
  /** Reads entity rows and writes the output; also joins, unless there is a cluster. */
  readonly engine: OfflineEngine;
  readonly spark: SparkEngine | undefined;
  readonly request: TrainingSetRequest;
  readonly spec: JoinSpec;
  readonly out: string;
  readonly format: OutputFormat;
  /** Where entity rows that are in no file are kept. */
  readonly kept: string | undefined;
  readonly objects: ObjectStore;
  readonly partOf: (path: string) => string;
}

async function joinAndWrite(work: Work): Promise<Joined> {
  const { engine, spark, request, spec, out, format, kept, objects, partOf } = work;
  const { definitions, tenant, signal, timestampColumn = "event_timestamp", lint, partitionBy } = request;
  const steps = stepsOf(spec, request);
  const keptAs = kept === undefined ? undefined : partOf(kept);
  const entities = await loadEntityRows(engine, request.entities, timestampColumn, spec, objects, signal, keptAs);
  const before = new Map(entities.file?.state);
  refuseOverwrite(out, before.keys());
  const columns = entities.columns.map(({ name }) => name);
  const outputs = [
    ...spec.outputs.map(({ feature }) => feature.output),
    ...(request.split === undefined ? [] : [SPLIT_COLUMN]),
  ];
  refuseCollisions(outputs, columns);
  if (lint !== undefined) checkLintColumns(lint, entities, timestampColumn);
  if (partitionBy !== undefined) checkPartitions(partitionBy, [...columns, ...outputs], entities, timestampColumn);
  const runner = new StatementRunner(engine, { kind: "plan" }, { signal });
  const split = request.split === undefined ? undefined : await makeSplit(request.split, entities, runner);
  steps.next()(1);

  const shipped = spark === undefined ? undefined : await shipEntities(engine, spark, spec, entities, "here", signal);
  const views: ViewResult[] = [];
  for (const [index, projection] of spec.projections.entries()) {
    const input: JoinViewInput = {
      engine,
      definitions,
      tenant,
      projection,
      index,
      entities,
      objects,
      pathOf: (file) => relativePath(definitions.folder, file),
      keepTimes: lint !== undefined,
      signal,
      onProgress: steps.next(),
    };
    const view =
      spark === undefined || shipped === undefined
        ? await joinView(input)
        : await joinViewOnSpark(input, spark, shipped);
    refuseOverwrite(out, view.table.files);
    for (const [file, state] of view.table.state) before.set(file, state);
    views.push(view);
  }

  const findings =
    lint === undefined
      ? undefined
      : await lintTrainingSet({ engine, request: lint, split, entities, views, signal, onProgress: steps.next() });
  if (lint !== undefined && findings !== undefined) refuseLeaks(findings, lint);

  const sql = outputSql(spec, columns, split === undefined ? [] : [`${split.sql} AS ${quoteName(SPLIT_COLUMN)}`]);
  const written = steps.next();
  const call: EngineCall = { subject: { kind: "output", path: out }, signal, onProgress: written };
  const parts =
    partitionBy === undefined ? undefined : await writePartitions(engine, sql, partitionBy, partOf(out), call);
  if (parts === undefined) await writeOutput(engine, format, sql, partOf(out), call);
  written(1);
  const described = steps.next();
  const manifest = await compileManifest({
    engine: spark ?? engine,
    request,
    timestampColumn,
    spec,
    entities,
    views,
    findings,
    objectReader: objects.reader,
    entitiesFile: kept ?? entities.file!.name,
    entitiesPath: keptAs ?? entities.file!.path,
    out,
    outPath: partOf(out),
    folder: dirname(out),
    outputSql: sql,
    split,
    parts,
  });
  await refuseChanges(before, objects, signal);
  described(1);
  return { entities, views, manifest, findings };
}

/** A session of its own, or the caller's, left without this join's tables. */
async function withEngine<T>(
  request: TrainingSetRequest,
  spec: JoinSpec,
  work: (engine: OfflineEngine) => Promise<T>,
): Promise<T> {
  const { engine } = request;
  if (engine === undefined) {
    await using own = await openDuckDb();
    return await work(own);
  }
  try {
    return await work(engine);
  } finally {
    const ofViews = spec.projections.flatMap((_, i) => [joinedTable(i), foundTable(i)]);
    const tables = ["entity_rows", ...JOIN_TABLES, ...LINT_TABLES, PARTITION_TABLE, ...ofViews];
    await engine.run(dropTables(tables), { subject: { kind: "plan" } });
  }
}

/** A session on the cluster, of its own or the caller's. */
async function withSpark<T>(
  { spark }: TrainingSetRequest,
  { remote }: SparkStoreConfig,
  work: (spark: SparkEngine) => Promise<T>,
): Promise<T> {
  if (spark !== undefined) return work(spark);
  await using own = await openSpark(remote);
  return await work(own);
}

/** What is wrong with a split as it was asked for is said before any work. @throws INVALID_REQUEST */
function checkSplit({ split, partitionBy, lint }: TrainingSetRequest): void {
  if (split !== undefined) parseSplit(split);
  if (split !== undefined && lint?.splitColumn !== undefined) {
    throw new LarderError("INVALID_REQUEST", {
      what: `There is a split to be made, and the column "${lint.splitColumn}" that says one`,
      remedy: "Name one of them; a split that is made is looked at without more words",
      facts: { field: "split_column" },
    });
  }
  if (partitionBy?.length === 0) {
    throw new LarderError("INVALID_REQUEST", {
      what: "partition_by names no column",
      remedy: "Name one, or leave it out for a single file",
      facts: { field: "partition_by" },
    });
  }
}

function refuseOverwrite(out: string, inputs: Iterable<string>): void {
  for (const input of inputs) {
    if (input !== out && !input.startsWith(`${out}${sep}`)) continue;
    throw new LarderError("INVALID_REQUEST", {
      what: `The output ${out} is one of the inputs`,
      remedy: "Choose another file for the training set",
      facts: { field: "out", file: out },
    });
  }
}

/** Hands out one reporter per step of the work, in order; the joins take most of the time. */
function stepsOf(spec: JoinSpec, { lint, onProgress }: TrainingSetRequest) {
  const linting = lint === undefined ? [] : [{ step: "lint", share: 0.25 }];
  const share = (0.75 - (linting[0]?.share ?? 0)) / spec.projections.length;
  const joins = spec.projections.map(({ name }) => ({ step: `join ${name}`, share }));
  const steps = [
    { step: "entity rows", share: 0.05 },
    ...joins,
    ...linting,
    { step: "write", share: 0.15 },
    { step: "manifest", share: 0.05 },
  ];
  let index = 0;
  let from = 0;
  return {
    next: () => {
      const { step, share } = steps[index++]!;
      const start = from;
      from += share;
      return (fraction: number) => onProgress?.({ step, fraction: Math.min(start + fraction * share, 1) });
    },
  };
}
