import { type BatchSource, type Definitions, type FeatureView, LarderError, payloadColumn } from "@larder/schema";
import { compileRecordReader, type SourceRecord } from "../latest-rows/record-reader.ts";
import { ObjectStore } from "../object-store/object-store.ts";
import { isObjectUrl, refuseOtherStores } from "../object-store/object-url.ts";
import { checkValues } from "./check-values.ts";
import { openDuckDb } from "./duckdb-session.ts";
import { refuseChanges } from "./file-state.ts";
import type { EngineCall, OfflineEngine } from "./offline-engine.ts";
import { describeParquet } from "./parquet-files.ts";
import { openSourceTable, type SourceGroup } from "./source-table.ts";
import { readParquet } from "./sql-text.ts";

/** Which file to read as rows of which view. */
export interface FileRowsRequest {
  readonly definitions: Definitions;
  readonly view: FeatureView;
  /** Absolute path or `s3://` address of a Parquet file. */
  readonly file: string;
  readonly signal?: AbortSignal | undefined;
}

/** Some rows of a file, in its order. */
export interface FileRowsChunk {
  /** For `view.rowDecoder.decode`. */
  readonly rows: readonly SourceRecord[];
  /** Position of the first one in the file, from 0. */
  readonly first: number;
  /** Every column of the file; the same in each chunk. */
  readonly columns: readonly string[];
}

/**
 * Reads every row of one Parquet file for a view, whether or not the view has a batch source: join keys and features under their names, the event time
 * under the view's name for it or `event_timestamp`, the created time (if there is one) under the view's name or `created`. Yields at least one chunk.
 *
 * @throws SOURCE_UNREADABLE, SOURCE_MISMATCH for a column that is missing or has another type, MISSING_DEPENDENCY, OFFLINE_FAILED, ABORTED
 */
export async function* readFileRows(request: FileRowsRequest): AsyncIterable<FileRowsChunk> {
  const { definitions, view, file, signal } = request;
  await using engine = await openDuckDb();
  await using objects = new ObjectStore(definitions.offlineStore.s3);
  const columns = await columnsOf(engine, request, objects);
  const asSource = viewOfFile(view, file, columns);
  const table = await openSourceTable(engine, { definitions, view: asSource, tenant: "default", objects, signal });
  const call: EngineCall = { subject: table.subject, signal };
  await checkValues(engine, table, asSource.features, {}, signal);
  const reader = compileRecordReader(asSource);
  const sql = `SELECT ${reader.select} FROM (${table.groups.map(rowsSql).join(" UNION ALL ")})`;
  let first = 0;
  for await (const batch of engine.batches(sql, call)) {
    const rows: SourceRecord[] = [];
    reader.read(batch, 0, batch.rowCount, rows);
    yield { rows, first, columns };
    first += rows.length;
  }
  await refuseChanges(table.state, objects, signal);
  if (first === 0) yield { rows: [], first, columns };
}

async function columnsOf(
  engine: OfflineEngine,
  { view, file, signal }: FileRowsRequest,
  objects: ObjectStore,
): Promise<readonly string[]> {
  const path = await readablePath(engine, view, file, objects, signal);
  const subject = { kind: "source", view: view.name, files: [path], nameOf: () => file } as const;
  const { groups } = await describeParquet(engine, [path], { subject, signal });
  return groups.flatMap((group) => [...group.columns.keys()]);
}

async function readablePath(
  engine: OfflineEngine,
  view: FeatureView,
  file: string,
  objects: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<string> {
  refuseOtherStores(file);
  if (!isObjectUrl(file)) return file;
  const object = await objects.find(file, signal);
  if (object !== undefined) return (await objects.read(engine, [object], signal))[0]!;
  throw new LarderError("SOURCE_NOT_FOUND", {
    what: `There is no object ${file}`,
    remedy: "Correct its address",
    facts: { view: view.name, file },
  });
}

/** The view as if the file were its source: with the names for times that the file has, and with the features that it may leave out left out. */
function viewOfFile(view: FeatureView, file: string, columns: readonly string[]): FeatureView {
  const { source, stream } = view;
  const fieldMapping = source?.fieldMapping ?? new Map<string, string>();
  const mapped = new Set(columns.map((column) => fieldMapping.get(column) ?? column));
  const present = (names: readonly (string | undefined)[]): string | undefined =>
    names.find((name) => name !== undefined && mapped.has(name));
  const asSource: BatchSource = {
    path: file,
    timestampField: present([source?.timestampField, payloadColumn(stream?.eventTime)]) ?? "event_timestamp",
    createdTimestampColumn: present([source?.createdTimestampColumn, payloadColumn(stream?.createdTime), "created"]),
    createdMeans: undefined,
    tombstoneColumn: present([source?.tombstoneColumn]),
    tenantColumn: undefined,
    fieldMapping,
    hivePartitions: new Map(),
    place: view.place,
  };
  const features = view.partialRows === "absent" ? view.features.filter(({ name }) => mapped.has(name)) : view.features;
  return { ...view, features: features.map((feature, index) => ({ ...feature, index })), source: asSource };
}

function rowsSql(group: SourceGroup): string {
  const keys = group.keys.length === 0 ? ["0 AS k0"] : group.keys.map(({ reading }, i) => `${reading.value} AS k${i}`);
  const columns = [
    ...keys,
    `${group.event.reading.value} AS event`,
    `${group.created?.reading.value ?? "CAST(NULL AS BIGINT)"} AS created`,
    `${group.tombstone ?? "false"} AS tombstone`,
    ...group.features.map(({ reading }, i) => `${reading.value} AS v${i}`),
  ];
  return `SELECT ${columns.join(", ")} FROM ${readParquet(group.files)}`;
}
