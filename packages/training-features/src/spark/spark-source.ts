import {
  type Definitions,
  type FeatureView,
  hasScheme,
  isLarderError,
  LarderError,
  type Problem,
} from "@larder/schema";
import { batchSourceOf } from "../offline/batch-source.ts";
import type { EngineCall } from "../offline/offline-engine.ts";
import { tenantPath } from "../offline/source-files.ts";
import {
  bindColumns,
  refuseProblems,
  type SourceDialect,
  type SourceGroup,
  sourceColumnOf,
} from "../offline/source-table.ts";
import { NANOS_LONG, NANOS_TIME, readSparkColumn, readSparkKey, readSparkTime } from "./spark-column.ts";
import type { SparkEngine } from "./spark-session.ts";
import { quoteSparkName } from "./spark-text.ts";

/** Spark's dialect of a source's columns. */
const SPARK: SourceDialect = {
  quoteName: quoteSparkName,
  readColumn: readSparkColumn,
  readKey: readSparkKey,
  readTime: readSparkTime,
  boolean: "boolean",
  text: "string",
};

/** A view's rows at rest where the cluster sees them: named for SQL, columns and their types checked. */
export interface SparkSource {
  readonly view: FeatureView;
  readonly tenant: string;
  /** The cluster's path: a file, a folder or a pattern. */
  readonly path: string;
  /** What statements select from. */
  readonly relation: string;
  readonly columns: SourceGroup;
}

/** Folders below a folder are read, too, and their names are no columns; files of one source have one schema. */
const PARQUET = { recursiveFileLookup: "true", mergeSchema: "true" } as const;

/**
 * Names a view's files and checks that they hold every column of the view.
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_MISMATCH (all problems at once), UNSUPPORTED, OFFLINE_FAILED, ABORTED
 */
export async function openSparkSource(
  spark: SparkEngine,
  definitions: Definitions,
  view: FeatureView,
  tenant: string,
  signal: AbortSignal | undefined,
): Promise<SparkSource> {
  refusePartitionColumns(view);
  const path = clusterPath(definitions.offlineStore.path, tenantPath(view, tenant));
  const relation = `larder_${view.name}`;
  const call: EngineCall = { subject: { kind: "source", view: view.name, files: [path] }, signal };
  const source = batchSourceOf(view);
  const times = [source.timestampField, source.createdTimestampColumn].filter((name) => name !== undefined);
  const seconds = view.features.filter(({ type }) => type.includes("unix_timestamp")).map(({ name }) => name);
  const described = await describeParquet(spark, relation, path, call, {
    times: [...times, ...seconds].map((name) => sourceColumnOf(view, name)),
    all: [
      ...times,
      ...view.joinKeys.map(({ name }) => name),
      ...view.features.map(({ name }) => name),
      ...[source.tombstoneColumn, source.tenantColumn].filter((name) => name !== undefined),
    ].map((name) => sourceColumnOf(view, name)),
  });
  if (described.size === 0) {
    throw new LarderError("SOURCE_NOT_FOUND", {
      what: `Feature view "${view.name}" has no Parquet file at ${path}, as the cluster sees it`,
      remedy: "Put its files there, or correct source.path or offline_store.path",
      facts: { view: view.name, path },
    });
  }
  const problems: Problem[] = [];
  const found = { files: [path], columns: described, values: new Map<string, string>() };
  const columns = bindColumns(view, found, (file) => file, problems, SPARK);
  refuseProblems(view, problems);
  return { view, tenant, path, relation: quoteSparkName(relation), columns };
}

/** Partitions of time only save reading, which the files' own statistics do as well; a column that only folders hold is another thing. */
function refusePartitionColumns(view: FeatureView): void {
  const [column] = [...batchSourceOf(view).hivePartitions].filter(([, kind]) => kind === "column");
  if (column === undefined) return;
  throw new LarderError("UNSUPPORTED", {
    what: `The source of feature view "${view.name}" has the column "${column[0]}" in the names of its folders, which is not read with offline_store.type spark`,
    remedy: "Write the column into the files, too, and leave it out of source.hive_partitions",
    facts: { view: view.name, field: "hive_partitions" },
  });
}

/** A path below the store's, or a whole one of its own. */
function clusterPath(root: string, path: string): string {
  return hasScheme(path) || path.startsWith("/") ? path : `${root.replace(/\/+$/, "")}/${path}`;
}

/** The columns that matter: all, and those that may be times. */
interface WantedColumns {
  readonly times: readonly string[];
  readonly all: readonly string[];
}

/**
 * Names Parquet files and answers their columns with Spark's types of them. Spark has no type for Parquet's nanoseconds: it refuses them, or hands them
 * out as BIGINT like any other number, so a column of times that is BIGINT is asked for alone, as TIMESTAMP: the failure names the type in the file.
 */
export async function describeParquet(
  spark: SparkEngine,
  name: string,
  path: string,
  call: EngineCall,
  wanted: WantedColumns,
): Promise<ReadonlyMap<string, string>> {
  await spark.createView(name, { kind: "files", path, options: PARQUET }, call);
  const columns = await columnsOf(spark, quoteSparkName(name), call, wanted.all);
  const types = new Map(columns);
  for (const column of wanted.times) {
    if (types.get(column) === "bigint" && (await holdsNanoseconds(spark, `${name}_probe`, path, column, call))) {
      types.set(column, NANOS_LONG);
    }
  }
  return types;
}

async function columnsOf(
  spark: SparkEngine,
  relation: string,
  call: EngineCall,
  wanted: readonly string[],
): Promise<(readonly [string, string])[]> {
  try {
    return (await spark.columns(`SELECT * FROM ${relation}`, call)).map(({ name, type }) => [name, type] as const);
  } catch (error) {
    // Sail computes with nanoseconds, but has no name for their type in an answer: the others are asked for one by one.
    if (!holdsUnnamedType(error)) throw error;
  }
  const found: (readonly [string, string])[] = [];
  for (const name of new Set(wanted)) {
    try {
      const [column] = await spark.columns(`SELECT ${quoteSparkName(name)} FROM ${relation}`, call);
      if (column !== undefined) found.push([name, column.type]);
    } catch (error) {
      if (holdsUnnamedType(error)) found.push([name, NANOS_TIME]);
      else if (!isUnknownColumn(error)) throw error;
    }
  }
  return found;
}

function holdsUnnamedType(error: unknown): boolean {
  return isLarderError(error) && /Timestamp\(Nanosecond/.test(error.message);
}

function isUnknownColumn(error: unknown): boolean {
  return isLarderError(error) && /UNRESOLVED_COLUMN|missing from the schema/.test(error.message);
}

async function holdsNanoseconds(
  spark: SparkEngine,
  probe: string,
  path: string,
  column: string,
  call: EngineCall,
): Promise<boolean> {
  const quoted = quoteSparkName(column);
  await spark.createView(probe, { kind: "files", path, schema: `${quoted} TIMESTAMP`, options: PARQUET }, call);
  await spark.readByRow(true);
  try {
    await spark.rows(`SELECT ${quoted} FROM ${quoteSparkName(probe)} LIMIT 1`, call);
    return false;
  } catch (error) {
    if (!isLarderError(error) || error.facts["reason"] === undefined) throw error;
    return /TIMESTAMP\(NANOS/.test(String(error.facts["reason"]));
  } finally {
    await spark.readByRow(false);
  }
}
