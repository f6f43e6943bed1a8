import { LarderError } from "@larder/schema";
import type { EngineCall } from "../offline/offline-engine.ts";
import type { JoinSpec } from "../point-in-time/join-spec.ts";
import { type BoundColumn, bindEntityColumns, type EntityRows } from "../training-set/entity-rows.ts";
import { ENTITIES_VIEW } from "./ship-entities.ts";
import { readSparkKey, readSparkTime } from "./spark-column.ts";
import type { SparkEntities } from "./spark-join.ts";
import type { SparkEngine } from "./spark-session.ts";
import { describeParquet } from "./spark-source.ts";
import { quoteSparkName } from "./spark-text.ts";

/** Entity rows that are where the cluster sees them. */
export interface ClusterEntities {
  readonly rows: Pick<EntityRows, "count" | "columns" | "nullTimes">;
  readonly entities: SparkEntities;
}

const FILES = "larder_entity_files";
const LOADED = "larder_entity_columns";

/**
 * Opens Parquet with entity rows: a file, a folder or a pattern, as the cluster sees it. Their order is that of the files' paths and of the rows in each.
 * @throws ENTITY_ROWS_INVALID for missing columns, columns or values of another type, or no file; OFFLINE_FAILED, ABORTED
 */
export async function openClusterEntities(
  spark: SparkEngine,
  path: string,
  timestampColumn: string,
  spec: JoinSpec,
  signal: AbortSignal | undefined,
): Promise<ClusterEntities> {
  const call: EngineCall = { subject: { kind: "entities", path }, signal };
  const keys = spec.entityKeys.map(({ column }) => column);
  const wanted = { times: [timestampColumn], all: [timestampColumn, ...keys] };
  const described = await describeParquet(spark, FILES, path, call, wanted);
  if (described.size === 0) {
    throw new LarderError("ENTITY_ROWS_INVALID", {
      what: `There is no Parquet file at ${path}, as the cluster sees it`,
      remedy: "Give the path that holds the entity rows",
      facts: { file: path },
    });
  }
  const columns = [...described].map(([name, type]) => ({ name, type }));
  const bound = bindEntityColumns(path, columns, timestampColumn, spec, {
    readKey: readSparkKey,
    readTime: readSparkTime,
  });
  const select = columns.map(({ name }, i) => `${quoteSparkName(name)} AS c${i}`);
  await nameLoaded(spark, path, select, call);
  await refuseBadValues(spark, path, bound, call);
  const [time, ...joinColumns] = bound;
  const named = [
    `${time!.reading.value} AS moment`,
    ...joinColumns.map(({ reading }, i) => `${reading.value} AS key${i}`),
  ];
  const sql = `SELECT larder_file, larder_row, ${[...named, ...columns.map((_, i) => `c${i}`)].join(", ")} FROM ${LOADED}`;
  await spark.createView(ENTITIES_VIEW, { kind: "sql", sql }, call);
  const [facts] = await spark.rows(
    `SELECT count(*) AS n, count(moment) AS times, min(moment) AS least, max(moment) AS latest FROM ${ENTITIES_VIEW}`,
    call,
  );
  const count = Number(facts?.["n"]);
  return {
    rows: { count, columns, nullTimes: count - Number(facts?.["times"]) },
    entities: {
      relation: ENTITIES_VIEW,
      count,
      keys: new Map(joinColumns.map(({ column }, i) => [column, `key${i}`])),
      moment: "moment",
      number: "larder_row",
      minTime: microsOf(facts?.["least"]),
      maxTime: microsOf(facts?.["latest"]),
    },
  };
}

function microsOf(value: unknown): bigint | undefined {
  return typeof value === "bigint" ? value : undefined;
}

/** Spark tells a row's place in its file; an engine that does not counts the rows as they come, which for one file is the same. */
async function nameLoaded(
  spark: SparkEngine,
  path: string,
  select: readonly string[],
  call: EngineCall,
): Promise<void> {
  const columns = select.join(", ");
  const placed = `SELECT _metadata.file_path AS larder_file, _metadata.row_index AS larder_row, ${columns} FROM parquet.${quoteSparkName(path)}`;
  try {
    await spark.columns(placed, call);
    await spark.createView(LOADED, { kind: "sql", sql: placed }, call);
  } catch (error) {
    if (!(error instanceof LarderError) || !/_metadata|row_index/.test(error.message)) throw error;
    const counted = `SELECT '' AS larder_file, monotonically_increasing_id() AS larder_row, ${columns} FROM ${FILES}`;
    await spark.createView(LOADED, { kind: "sql", sql: counted }, call);
  }
}

async function refuseBadValues(
  spark: SparkEngine,
  path: string,
  bound: readonly BoundColumn[],
  call: EngineCall,
): Promise<void> {
  for (const { column, sql, reading } of bound) {
    if (reading.bad === undefined) continue;
    const [row] = await spark.rows(
      `SELECT CAST(${sql} AS STRING) AS value FROM ${LOADED} WHERE ${reading.bad} LIMIT 1`,
      call,
    );
    if (row === undefined) continue;
    throw new LarderError("ENTITY_ROWS_INVALID", {
      what: `The entity rows at ${path}: column "${column}": ${String(row["value"])} ${reading.fault}`,
      remedy: "Correct the value, or the type of the join key in feature_store.yaml",
      facts: { file: path, column },
    });
  }
}
