import { type Definitions, type FeatureView, LarderError, type Problem } from "@larder/schema";
import type { ObjectStore } from "../object-store/object-store.ts";
import { batchSourceOf } from "./batch-source.ts";
import { ACCEPTED_TIMES, acceptedTypes, type ColumnReading, readColumn, readKey, readTime } from "./column-type.ts";
import { type FileState, stateOf } from "./file-state.ts";
import { type PartitionRange, partitionColumns } from "./hive-partition.ts";
import type { EngineCall, EngineSubject, OfflineEngine } from "./offline-engine.ts";
import { describeParquet, type FileGroup } from "./parquet-files.ts";
import { listSourceFiles, type SourceFile } from "./source-files.ts";
import { quoteName, quoteText } from "./sql-text.ts";

/** A column of the source under a view's name for it. */
export interface SourceColumn {
  /** The column's name in the files. */
  readonly column: string;
  /** DuckDB's type of it. */
  readonly found: string;
  readonly reading: ColumnReading;
}

/** Files of one source that are read by one scan. */
export interface SourceGroup {
  /** Paths for statements: of an object its address or that of its staged copy. */
  readonly files: readonly string[];
  /** In the order of `view.joinKeys`. */
  readonly keys: readonly SourceColumn[];
  readonly event: SourceColumn;
  readonly created: SourceColumn | undefined;
  /** SQL of a predicate that is never null; undefined where the view has no tombstones. */
  readonly tombstone: string | undefined;
  /** SQL of the tenant column; undefined where the path tells tenants apart. */
  readonly tenant: string | undefined;
  /** In the order of `view.features`. */
  readonly features: readonly SourceColumn[];
}

/** A view's rows at rest for one tenant: files found, columns and their types checked. */
export interface SourceTable {
  readonly view: FeatureView;
  readonly tenant: string;
  /** Absolute paths, and addresses of objects. */
  readonly files: readonly string[];
  /** The files as they were before anything was read. */
  readonly state: FileState;
  /** File -> number of rows. */
  readonly rows: ReadonlyMap<string, number>;
  readonly groups: readonly SourceGroup[];
  /** File -> the path by which statements read it. */
  readonly paths: ReadonlyMap<string, string>;
  /** What statements are about, for their failures. */
  readonly subject: EngineSubject;
  /** The file that statements read by a path. */
  nameOf(path: string): string;
}

/** Which source to open. */
export interface SourceTableRequest {
  readonly definitions: Definitions;
  readonly view: FeatureView;
  readonly tenant: string;
  readonly objects: ObjectStore;
  /** Files of partitions outside it are left out. Default: all are read. */
  readonly range?: PartitionRange | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Finds a view's files and checks that they hold every column of the view (also those that nobody asks for now: they settle ties).
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_MISMATCH (all problems at once), UNSUPPORTED, MISSING_DEPENDENCY, ABORTED
 */
export async function openSourceTable(engine: OfflineEngine, request: SourceTableRequest): Promise<SourceTable> {
  const { view, tenant, signal } = request;
  const found = await listSourceFiles(request);
  const files = found.map(({ name }) => name);
  const state = await stateOfFound(found, request);
  const paths = await pathsOf(engine, found, request);
  const names = new Map([...paths].map(([name, path]) => [path, name]));
  const nameOf = (path: string): string => names.get(path) ?? path;
  const subject: EngineSubject = { kind: "source", view: view.name, files: [...paths.values()], nameOf };
  const call: EngineCall = { subject, signal };
  const described = await describeParquet(engine, [...paths.values()], call);
  const problems: Problem[] = [];
  const groups = described.groups.flatMap((group) =>
    splitByPartition(view, group, nameOf).map((part) => bindColumns(view, part, nameOf, problems)),
  );
  const [first] = problems;
  if (first !== undefined) {
    throw new LarderError("SOURCE_MISMATCH", {
      what: `The source of feature view "${view.name}" does not fit it: ${first.place}: column "${first.field}" ${first.what}`,
      remedy: first.remedy,
      facts: { view: view.name, file: first.place, column: first.field },
      problems,
    });
  }
  const rows = new Map([...described.rows].map(([path, count]) => [nameOf(path), count]));
  return { view, tenant, files, state, rows, groups, paths, subject, nameOf };
}

/** Objects have their state from the listing. */
async function stateOfFound(found: readonly SourceFile[], { objects, signal }: SourceTableRequest): Promise<FileState> {
  const local = found.filter(({ object }) => object === undefined).map(({ name }) => name);
  const state = new Map(await stateOf(local, objects, signal));
  for (const { name, object } of found) if (object !== undefined) state.set(name, object.etag);
  return state;
}

async function pathsOf(
  engine: OfflineEngine,
  found: readonly SourceFile[],
  { objects, signal }: SourceTableRequest,
): Promise<ReadonlyMap<string, string>> {
  const stored = found.flatMap(({ object }) => (object === undefined ? [] : [object]));
  const read = await objects.read(engine, stored, signal);
  const paths = new Map(found.map(({ name }) => [name, name]));
  for (const [i, { url }] of stored.entries()) paths.set(url, read[i]!);
  return paths;
}

/** Files of one schema whose partitions say the same of their columns. */
interface PartitionGroup extends FileGroup {
  /** Column -> its value in all these files. */
  readonly values: ReadonlyMap<string, string | null>;
}

function splitByPartition(view: FeatureView, group: FileGroup, nameOf: (path: string) => string): PartitionGroup[] {
  const parts = new Map<string, { files: string[]; values: ReadonlyMap<string, string | null> }>();
  for (const path of group.files) {
    const values = partitionColumns(view, nameOf(path));
    const key = JSON.stringify([...values]);
    const part = parts.get(key) ?? { files: [], values };
    part.files.push(path);
    parts.set(key, part);
  }
  return [...parts.values()].map(({ files, values }) => {
    const columns = new Map(group.columns);
    for (const name of values.keys()) columns.set(name, "VARCHAR");
    return { files, columns, values };
  });
}

/**
 * The source column that a view's column is read from: the one that `field_mapping` maps onto it, else the one of its name. As in Feast, this
 * holds for features, join keys and times alike.
 */
export function sourceColumnOf(view: FeatureView, name: string): string {
  const { fieldMapping } = batchSourceOf(view);
  for (const [from, to] of fieldMapping) if (to === name) return from;
  return name;
}

function bindColumns(
  view: FeatureView,
  { files, columns, values }: PartitionGroup,
  nameOf: (path: string) => string,
  problems: Problem[],
): SourceGroup {
  const source = batchSourceOf(view);
  const file = nameOf(files[0]!);
  const bind = (
    name: string,
    read: (column: string, found: string) => ColumnReading | undefined,
    expected: string,
  ): SourceColumn => {
    const column = sourceColumnOf(view, name);
    const value = values.get(column);
    const found = columns.get(column);
    if (value !== undefined && found !== undefined) {
      const bound = bindValue(column, value, read);
      if (bound !== undefined) return bound;
    }
    const reading = value !== undefined || found === undefined ? undefined : read(quoteName(column), found);
    if (found === undefined || reading === undefined) {
      problems.push(mismatch(file, column, expected, found, columns));
      return { column, found: "NULL", reading: { value: "NULL", bad: undefined, fault: "" } };
    }
    return { column, found, reading };
  };
  const flag = (name: string, found: string, expected: string): string => {
    const exact = (sql: string, is: string) => (is === found ? { value: sql, bad: undefined, fault: "" } : undefined);
    return bind(name, exact, expected).reading.value;
  };
  return {
    files,
    keys: view.joinKeys.map(({ name, type }) =>
      bind(name, (sql, found) => readKey(sql, found, type), `a join key of type ${type} takes ${acceptedTypes(type)}`),
    ),
    event: bind(source.timestampField, readTime, `an event time takes ${ACCEPTED_TIMES}`),
    created:
      source.createdTimestampColumn === undefined
        ? undefined
        : bind(source.createdTimestampColumn, readTime, `a created time takes ${ACCEPTED_TIMES}`),
    tombstone:
      source.tombstoneColumn === undefined
        ? undefined
        : `coalesce(${flag(source.tombstoneColumn, "BOOLEAN", "a tombstone takes BOOLEAN")}, false)`,
    tenant:
      source.tenantColumn === undefined
        ? undefined
        : flag(source.tenantColumn, "VARCHAR", "a tenant takes text (VARCHAR)"),
    features: view.features.map(({ name, type }) =>
      bind(
        name,
        (sql, found) => readColumn(sql, found, type),
        `a feature of type ${type} takes ${acceptedTypes(type)}`,
      ),
    ),
  };
}

/** A partition's value: text, or a whole number where it looks like one and the view wants one. undefined if it is neither. */
function bindValue(
  column: string,
  value: string | null,
  read: (column: string, found: string) => ColumnReading | undefined,
): SourceColumn | undefined {
  const whole = value === null || /^-?\d{1,18}$/.test(value);
  const types = [
    "VARCHAR",
    ...(whole ? [value === null || Math.abs(Number(value)) < 2 ** 31 ? "INTEGER" : "BIGINT"] : []),
  ];
  for (const found of types) {
    const reading = read(`CAST(${value === null ? "NULL" : quoteText(value)} AS ${found})`, found);
    if (reading !== undefined && reading.bad === undefined) return { column, found, reading };
  }
  return undefined;
}

function mismatch(
  file: string,
  column: string,
  expected: string,
  found: string | undefined,
  columns: ReadonlyMap<string, string>,
): Problem {
  if (found !== undefined) {
    return {
      place: file,
      field: column,
      what: `is ${found}, and ${expected}`,
      remedy: "Write it with that type, or correct the type in feature_store.yaml",
    };
  }
  const names = [...columns.keys()];
  const shown = names.slice(0, 20).join(", ") + (names.length > 20 ? ` and ${names.length - 20} more` : "");
  return {
    place: file,
    field: column,
    what: `is missing; ${expected}`,
    remedy: `Write it, or map another one onto it with field_mapping; the file has: ${shown}`,
  };
}
