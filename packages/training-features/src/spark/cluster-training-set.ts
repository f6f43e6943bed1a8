import { basename, resolve } from "node:path";
import { hasScheme, LarderError } from "@larder/schema";
import { ObjectStore } from "../object-store/object-store.ts";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import { type JoinSpec, refuseCollisions } from "../point-in-time/join-spec.ts";
import type { ViewResult } from "../point-in-time/run-join.ts";
import { type EntityRows, loadEntityRows } from "../training-set/entity-rows.ts";
import { compileManifest, manifestPathOf, manifestText } from "../training-set/manifest.ts";
import { noticesOf } from "../training-set/notices.ts";
import { claimOutput } from "../training-set/output-files.ts";
import type { TrainingSetReport, TrainingSetRequest } from "../training-set/training-set.ts";
import { openClusterEntities } from "./cluster-entities.ts";
import { shipEntities } from "./ship-entities.ts";
import { planSparkView, type SparkEntities, type SparkView } from "./spark-join.ts";
import { sparkJoinSql } from "./spark-join-sql.ts";
import type { SparkEngine } from "./spark-session.ts";
import { quoteSparkName, quoteSparkText } from "./spark-text.ts";

/** What {@link buildOnCluster} needs. */
export interface ClusterWork {
  /** Reads entity rows that are a file of this machine. */
  readonly engine: OfflineEngine;
  readonly spark: SparkEngine;
  readonly request: TrainingSetRequest;
  readonly spec: JoinSpec;
}

/**
 * Builds a training set that the cluster writes itself, as a folder of Parquet, sorted as the entity rows; these are on the cluster too, or a file of this
 * machine. The manifest is written into the process's folder, once the cluster is done.
 *
 * @throws what `buildTrainingSet` throws; UNSUPPORTED for entity rows from a query or memory
 */
export async function buildOnCluster({ engine, spark, request, spec }: ClusterWork): Promise<TrainingSetReport> {
  const { definitions, tenant, signal, onProgress } = request;
  if (request.split !== undefined || request.partitionBy !== undefined) {
    throw new LarderError("UNSUPPORTED", {
      what: "A training set that the cluster writes is neither split nor partitioned",
      remedy: "Write it to a file or folder of this machine, which does both, or divide it on the cluster",
      facts: { field: request.split === undefined ? "partition_by" : "split" },
    });
  }
  const timestampColumn = request.timestampColumn ?? "event_timestamp";
  const out = request.out.replace(/\/+$/, "");
  const manifestPath = manifestPathOf(resolve(basename(out)));
  await using objects = new ObjectStore(definitions.offlineStore.s3);
  const manifestFile = await claimOutput(
    manifestPath,
    { manifest: manifestPath, entities: undefined },
    objects,
    signal,
  );
  try {
    onProgress?.({ step: "entity rows", fraction: 0 });
    const { rows, entities, file, path } = await entitiesOf({ engine, spark, request, spec }, objects, timestampColumn);
    const columns = rows.columns.map(({ name }) => name);
    refuseCollisions(
      spec.outputs.map(({ feature }) => feature.output),
      columns,
    );
    const views: SparkView[] = [];
    for (const [i, projection] of spec.projections.entries()) {
      onProgress?.({ step: `check ${projection.name}`, fraction: 0.05 + (0.2 * i) / spec.projections.length });
      views.push(await planSparkView({ spark, definitions, tenant, projection, entities, signal }));
    }
    const sql = outputSql(spec, columns, views);
    const call: EngineCall = {
      subject: { kind: "output", path: out },
      signal,
      onProgress: (done) => onProgress?.({ step: "join and write", fraction: 0.25 + 0.7 * done }),
    };
    await spark.run(`INSERT OVERWRITE DIRECTORY ${quoteSparkText(out)} USING parquet\n${sql}`, call);
    onProgress?.({ step: "manifest", fraction: 0.95 });
    const results = await countNulls(spark, out, spec, views, rows.count, { subject: call.subject, signal });
    const manifest = await compileManifest({
      engine: spark,
      request,
      timestampColumn,
      spec,
      entities: rows,
      views: results,
      findings: undefined,
      objectReader: undefined,
      entitiesFile: file,
      entitiesPath: path,
      out,
      outPath: undefined,
      folder: resolve("."),
      outputSql: sql,
      split: undefined,
      parts: undefined,
    });
    await manifestFile.commit(manifestText(manifest));
    onProgress?.({ step: "manifest", fraction: 1 });
    const notices = noticesOf(rows, results, undefined);
    return { out, manifestPath, rows: rows.count, manifest, notices, findings: undefined };
  } finally {
    await manifestFile.discard();
  }
}

interface OpenEntities {
  readonly rows: Pick<EntityRows, "count" | "columns" | "nullTimes">;
  readonly entities: SparkEntities;
  /** Where they are, and where this process reads them, if it does. */
  readonly file: string;
  readonly path: string | undefined;
}

async function entitiesOf(
  { engine, spark, request, spec }: ClusterWork,
  objects: ObjectStore,
  timestampColumn: string,
): Promise<OpenEntities> {
  const { entities: input, signal } = request;
  if (typeof input !== "string") {
    throw new LarderError("UNSUPPORTED", {
      what: "A training set that the cluster writes takes its entity rows from a file, so that it can be built again",
      remedy:
        "Write the rows to a Parquet file, here or where the cluster sees it, or write the training set to a file here",
    });
  }
  if (hasScheme(input)) {
    const there = await openClusterEntities(spark, input, timestampColumn, spec, signal);
    return { ...there, file: input, path: undefined };
  }
  const rows = await loadEntityRows(engine, input, timestampColumn, spec, objects, signal);
  const entities = await shipEntities(engine, spark, spec, rows, "cluster", signal);
  return { rows, entities, file: resolve(input), path: resolve(input) };
}

/** One view after the other, each carrying the columns before it: no entity row is looked up a second time. */
function outputSql(spec: JoinSpec, columns: readonly string[], views: readonly SparkView[]): string {
  const [first] = views;
  const { entities, moment, number } = first!.plan;
  const carried = [
    "larder_file",
    number,
    moment,
    ...spec.entityKeys.map((_, i) => `key${i}`),
    ...columns.map((_, i) => `c${i}`),
  ];
  let from = entities;
  for (const [i, { plan }] of views.entries()) {
    const features = plan.projection.features.map((_, j) => `x${i}_${j}`);
    const sql = sparkJoinSql({ ...plan, entities: from }, { carried, features, keepUnmatched: true });
    carried.push(...features);
    from = `(\n${sql}\n) AS stage_${i}`;
  }
  const features = spec.outputs.map(({ projection, feature }) => {
    const value = `x${projection}_${spec.projections[projection]!.features.indexOf(feature)}`;
    return `${outputValue(value, feature.type)} AS ${quoteSparkName(feature.output)}`;
  });
  const select = [...columns.map((name, i) => `c${i} AS ${quoteSparkName(name)}`), ...features];
  return `SELECT ${select.join(", ")} FROM ${from} ORDER BY larder_file, ${number}`;
}

/** Inside, a unix_timestamp is epoch seconds; in Parquet it is an instant. */
function outputValue(value: string, type: string): string {
  if (type === "unix_timestamp") return `timestamp_seconds(${value})`;
  return type === "list<unix_timestamp>" ? `transform(${value}, e -> timestamp_seconds(e))` : value;
}

/** Nulls are counted in what was written, which also shows that it can be read and is whole. */
async function countNulls(
  spark: SparkEngine,
  out: string,
  spec: JoinSpec,
  views: readonly SparkView[],
  count: number,
  call: EngineCall,
): Promise<ViewResult[]> {
  await spark.createView("larder_written", { kind: "files", path: out, options: {} }, call);
  const present = spec.outputs.map(({ feature }, i) => `count(${quoteSparkName(feature.output)}) AS f${i}`);
  const [facts] = await spark.rows(`SELECT ${["count(*) AS n", ...present].join(", ")} FROM larder_written`, call);
  if (Number(facts?.["n"]) !== count) {
    throw new LarderError("OUTPUT_UNWRITABLE", {
      what: `${out} holds ${Number(facts?.["n"])} rows where ${count} were written`,
      remedy: "Give a folder of its own that nothing else writes to",
      facts: { file: out },
    });
  }
  const nulls = new Map(spec.outputs.map(({ feature }, i) => [feature, count - Number(facts?.[`f${i}`])]));
  return views.map(({ plan: { projection }, table, matched, unjoinable }, i) => ({
    projection,
    table,
    matched,
    unjoinable,
    nulls: projection.features.map((feature) => nulls.get(feature)!),
    staleness: undefined,
    sql: [
      sparkJoinSql(views[i]!.plan, {
        carried: [views[i]!.plan.number],
        features: projection.features.map((_, j) => `x${i}_${j}`),
        keepUnmatched: true,
      }),
    ],
  }));
}
