import {
  type Definitions,
  type FeatureView,
  type KeyType,
  LarderError,
  type Problem,
  type ValueType,
} from "@larder/schema";
import { ACCEPTED_TIMES, acceptedTypes, type ColumnReading, readColumn, readKey, readTime } from "./column-type.ts";
import { type FileState, stateOf } from "./file-state.ts";
import type { EngineCall, OfflineEngine } from "./offline-engine.ts";
import { describeParquet } from "./parquet-files.ts";
import { batchSourceOf, listSourceFiles } from "./source-files.ts";
import { quoteName } from "./sql-text.ts";

/** A column of the source under a view's name for it. */
export interface SourceColumn {
  /** The column's name in the files. */
  readonly column: string;
  /** The engine's type of it. */
  readonly found: string;
  readonly reading: ColumnReading;
}

/** Files of one source that are read by one scan. */
export interface SourceGroup {
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
  readonly files: readonly string[];
  /** The files as they were before anything was read. */
  readonly state: FileState;
  /** File -> number of rows. */
  readonly rows: ReadonlyMap<string, number>;
  readonly groups: readonly SourceGroup[];
}

/**
 * Finds a view's files and checks that they hold every column of the view (also those that nobody asks for now: they settle ties).
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_MISMATCH (all problems at once), UNSUPPORTED
 */
export async function openSourceTable(
  engine: OfflineEngine,
  definitions: Definitions,
  view: FeatureView,
  tenant: string,
  signal: AbortSignal | undefined,
): Promise<SourceTable> {
  const files = await listSourceFiles(definitions, view, tenant);
  const state = await stateOf(files);
  const call: EngineCall = { subject: { kind: "source", view: view.name, files }, signal };
  const described = await describeParquet(engine, files, call);
  const problems: Problem[] = [];
  const groups = described.groups.map((group) => bindColumns(view, group.files, group.columns, problems));
  refuseProblems(view, problems);
  return { view, tenant, files, state, rows: described.rows, groups };
}

/** @throws SOURCE_MISMATCH for all problems of a source at once */
export function refuseProblems(view: FeatureView, problems: readonly Problem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  throw new LarderError("SOURCE_MISMATCH", {
    what: `The source of feature view "${view.name}" does not fit it: ${first.place}: column "${first.field}" ${first.what}`,
    remedy: first.remedy,
    facts: { view: view.name, file: first.place, column: first.field },
    problems,
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

/** How an engine's columns are read: the rules of the declared types in its dialect. */
export interface SourceDialect {
  readonly quoteName: (name: string) => string;
  readonly readColumn: (column: string, found: string, type: ValueType) => ColumnReading | undefined;
  readonly readKey: (column: string, found: string, type: KeyType) => ColumnReading | undefined;
  readonly readTime: (column: string, found: string) => ColumnReading | undefined;
  readonly boolean: string;
  readonly text: string;
}

const DUCKDB: SourceDialect = { quoteName, readColumn, readKey, readTime, boolean: "BOOLEAN", text: "VARCHAR" };

/** Finds a view's columns in files that have these; what does not fit is added to `problems`. */
export function bindColumns(
  view: FeatureView,
  files: readonly string[],
  columns: ReadonlyMap<string, string>,
  problems: Problem[],
  dialect: SourceDialect = DUCKDB,
): SourceGroup {
  const source = batchSourceOf(view);
  const bind = (
    name: string,
    read: (column: string, found: string) => ColumnReading | undefined,
    expected: string,
  ): SourceColumn => {
    const column = sourceColumnOf(view, name);
    const found = columns.get(column);
    const reading = found === undefined ? undefined : read(dialect.quoteName(column), found);
    if (found === undefined || reading === undefined) {
      problems.push(mismatch(files[0]!, column, expected, found, columns));
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
      bind(
        name,
        (sql, found) => dialect.readKey(sql, found, type),
        `a join key of type ${type} takes ${acceptedTypes(type)}`,
      ),
    ),
    event: bind(source.timestampField, dialect.readTime, `an event time takes ${ACCEPTED_TIMES}`),
    created:
      source.createdTimestampColumn === undefined
        ? undefined
        : bind(source.createdTimestampColumn, dialect.readTime, `a created time takes ${ACCEPTED_TIMES}`),
    tombstone:
      source.tombstoneColumn === undefined
        ? undefined
        : `coalesce(${flag(source.tombstoneColumn, dialect.boolean, "a tombstone takes BOOLEAN")}, false)`,
    tenant:
      source.tenantColumn === undefined
        ? undefined
        : flag(source.tenantColumn, dialect.text, "a tenant takes text (VARCHAR)"),
    features: view.features.map(({ name, type }) =>
      bind(
        name,
        (sql, found) => dialect.readColumn(sql, found, type),
        `a feature of type ${type} takes ${acceptedTypes(type)}`,
      ),
    ),
  };
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
