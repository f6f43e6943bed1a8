import { HistoricalFeaturesQuery, HistoricalFeaturesRequest } from "@larder/contract";
import {
  type Definitions,
  decodeKeyValue,
  type FeatureRef,
  findFeature,
  findService,
  type KeyType,
  LarderError,
} from "@larder/schema";
import { noRows, refuseTooMany } from "../features/entity-columns.ts";
import { viewsToRun } from "../materialize/views-to-run.ts";
import { atField } from "../plugins/at-field.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import type { HistoricalRun } from "./historical-function.ts";
import { ParquetBody } from "./parquet-body.ts";

const checkBody = compileBodyCheck(HistoricalFeaturesRequest);
const checkQuery = compileBodyCheck(HistoricalFeaturesQuery);

/** An entity row of a request. */
type Row = Record<string, unknown>;

/** What is joined, without who waits for it. */
type Wanted = Omit<HistoricalRun, "signal">;

/**
 * Reads a request: JSON that says everything, or a Parquet file with the rest in the query.
 * @throws MALFORMED_REQUEST, INVALID_REQUEST, PAYLOAD_TOO_LARGE, UNKNOWN_VIEW, UNKNOWN_FEATURE, UNKNOWN_SERVICE
 */
export function readHistorical(definitions: Definitions, tenant: string, body: unknown, query: unknown): Wanted {
  const { entities, wish } =
    body instanceof ParquetBody
      ? { entities: { parquet: body.file }, wish: wishOf(query) }
      : ofJson(body, query, definitions.server.maxRows);
  const { features, feature_service: featureService } = wish;
  if ((features === undefined) === (featureService === undefined)) {
    throw invalid(
      "features",
      features === undefined ? "No features were asked for" : "Both features and a feature service were asked for",
      'Give either features, as "view:feature", or one feature_service',
    );
  }
  const found =
    featureService === undefined
      ? atField("features", () => (features ?? []).map((reference) => findFeature(definitions, reference)))
      : atField("feature_service", () => findService(definitions, featureService)).features;
  atField("features", () => viewsToRun(definitions, [...new Set(found.map(({ view }) => view.name))], tenant));
  if ("rows" in entities) readKeys(entities.rows, found);
  return {
    tenant,
    features,
    featureService,
    fullFeatureNames: wish.full_feature_names ?? false,
    asOf: wish.as_of ?? "bitemporal",
    timestampColumn: wish.timestamp_column ?? "event_timestamp",
    entities,
  };
}

/** Reads join keys in place, as every request writes them: a decimal string may be an int64, and seconds a time. @throws INVALID_REQUEST */
function readKeys(rows: readonly Row[], features: readonly FeatureRef[]): void {
  const types = new Map<string, KeyType>();
  for (const { view, joinKeyMap } of features)
    for (const { name, type } of view.joinKeys) types.set(joinKeyMap.get(name) ?? name, type);
  for (const [name, type] of types) {
    for (const [index, row] of rows.entries()) {
      const value = row[name];
      // A row without a key finds nothing, and a column that is not there is the join's to refuse.
      if (value === null || value === undefined) continue;
      row[name] = keyOf(type, value, `"${name}" of entity row ${index}`);
    }
  }
}

function keyOf(type: KeyType, value: unknown, place: string): unknown {
  const decoded = decodeKeyValue(type, value);
  const field = "entity_rows";
  if (!decoded.ok) throw invalid(field, `${place} ${decoded.what}`, decoded.remedy);
  if (type === "bytes") throw invalid(field, `${place} is bytes, which entity rows in JSON have not`, "Send Parquet");
  if (type !== "unix_timestamp") return decoded.value;
  const date = new Date(Number(decoded.value) * 1000);
  if (!Number.isNaN(date.getTime())) return date;
  throw invalid(field, `${place} is no time of this calendar`, "Send Parquet");
}

type Wish = Omit<HistoricalFeaturesRequest, "entity_rows" | "entities">;

function wishOf(query: unknown): Wish {
  const { features, full_feature_names, ...rest } = checkQuery(query);
  return {
    ...rest,
    ...(features === undefined ? {} : { features: features.split(",").map((name) => name.trim()) }),
    ...(full_feature_names === undefined ? {} : { full_feature_names: full_feature_names === "true" }),
  };
}

function ofJson(body: unknown, query: unknown, maxRows: number): { entities: { rows: readonly Row[] }; wish: Wish } {
  const { entity_rows, entities, ...wish } = checkBody(body);
  const [twice] = Object.keys(query as object).filter((name) => name in HistoricalFeaturesQuery.properties);
  if (twice !== undefined) {
    throw invalid(twice, `"${twice}" is in the query of a request whose body is JSON`, "Say it in the body");
  }
  if ((entity_rows === undefined) === (entities === undefined)) {
    throw invalid(
      "entity_rows",
      entities === undefined ? "There are no entity rows" : "There are entity_rows and entities",
      "Give either entity_rows, a list of objects, or entities, an object of columns",
    );
  }
  const rows = entity_rows ?? rowsOf(entities ?? {}, maxRows);
  refuseTooMany(rows.length, maxRows, "entity_rows");
  return { entities: { rows }, wish };
}

function rowsOf(columns: NonNullable<HistoricalFeaturesRequest["entities"]>, maxRows: number): readonly Row[] {
  const names = Object.keys(columns);
  const rowCount = Object.values(columns)[0]?.length ?? 0;
  if (rowCount === 0) throw noRows("entities");
  refuseTooMany(rowCount, maxRows, "entities");
  const odd = names.find((name) => columns[name]?.length !== rowCount);
  if (odd !== undefined) {
    throw invalid(
      `entities.${odd.slice(0, 100)}`,
      `The columns of "entities" have different lengths: "${odd.slice(0, 100)}" has ${columns[odd]?.length} rows, the first ${rowCount}`,
      "Give every column one value per row",
    );
  }
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(names.map((name) => [name, columns[name]?.[row]])),
  );
}

function invalid(field: string, what: string, remedy: string): LarderError {
  return new LarderError("INVALID_REQUEST", { what, remedy, facts: { field } });
}
