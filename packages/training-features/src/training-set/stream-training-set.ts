import { findTenant, LarderError } from "@larder/schema";
import { ObjectStore } from "../object-store/object-store.ts";
import { arrowStream } from "../offline/arrow-stream.ts";
import { refuseChanges } from "../offline/file-state.ts";
import type { EngineCall, OfflineEngine } from "../offline/offline-engine.ts";
import { requireDuckDb } from "../offline/require-duckdb.ts";
import { readParquet } from "../offline/sql-text.ts";
import { outputSql } from "../point-in-time/build-sql.ts";
import { compileJoinSpec, refuseCollisions } from "../point-in-time/join-spec.ts";
import { joinView } from "../point-in-time/run-join.ts";
import { loadEntityRows } from "./entity-rows.ts";
import type { EntityRecords } from "./entity-source.ts";
import type { TrainingSetRequest } from "./training-set.ts";

/** A training set that goes where it is asked for, not into a file. */
export interface TrainingStreamRequest
  extends Pick<
    TrainingSetRequest,
    "definitions" | "features" | "fullFeatureNames" | "asOf" | "timestampColumn" | "tenant" | "signal"
  > {
  readonly engine: OfflineEngine;
  /** A Parquet file, or rows in memory. */
  readonly entities: { readonly parquet: string } | EntityRecords;
  /** Most entity rows of a file; those in memory are the caller's to bound. */
  readonly maxRows: number;
}

/**
 * The rows that {@link buildTrainingSet} would write, as an Arrow IPC stream: the first bytes come when all joins are done, and what fails afterwards
 * ends it without the mark of its end. It reads no further than it is asked to.
 * @throws as {@link buildTrainingSet}; PAYLOAD_TOO_LARGE for too many entity rows; UNSUPPORTED unless the offline store is read by this process
 */
export async function* streamTrainingSet(request: TrainingStreamRequest): AsyncGenerator<Uint8Array> {
  const { definitions, tenant, engine, signal, timestampColumn = "event_timestamp" } = request;
  findTenant(definitions, tenant);
  const spec = compileJoinSpec(request);
  requireDuckDb(definitions, "Answering with a training set", "build it with `larder training-set`");
  await using objects = new ObjectStore(definitions.offlineStore.s3);
  const input = "parquet" in request.entities ? request.entities.parquet : request.entities;
  if (typeof input === "string") await refuseManyRows(input, request);
  const entities = await loadEntityRows(engine, input, timestampColumn, spec, objects, signal);
  const before = new Map(entities.file?.state);
  const columns = entities.columns.map(({ name }) => name);
  refuseCollisions(
    spec.outputs.map(({ feature }) => feature.output),
    columns,
  );
  for (const [index, projection] of spec.projections.entries()) {
    const view = await joinView({
      engine,
      definitions,
      tenant,
      projection,
      index,
      entities,
      objects,
      pathOf: (file) => file,
      keepTimes: false,
      signal,
      onProgress: () => {},
    });
    for (const [file, state] of view.table.state) before.set(file, state);
  }
  await refuseChanges(before, objects, signal);
  yield* arrowStream(engine, outputSql(spec, columns), { subject: { kind: "plan" }, signal });
}

/** Before they are read: a small file may hold any number of equal rows. */
async function refuseManyRows(file: string, { engine, maxRows, signal }: TrainingStreamRequest): Promise<void> {
  const call: EngineCall = { subject: { kind: "entities", path: file }, signal };
  const [row] = await engine.rows(`SELECT count(*) AS n FROM ${readParquet([file])}`, call);
  const count = Number(row?.["n"]);
  if (count <= maxRows) return;
  throw new LarderError("PAYLOAD_TOO_LARGE", {
    what: `There are ${count} entity rows, more than the ${maxRows} that are taken at once`,
    remedy: "Split the entity rows, or build the training set with `larder training-set`",
    facts: { field: "entity_rows" },
  });
}
