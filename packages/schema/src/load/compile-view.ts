import type { FeatureStoreFile } from "../definition-schema.ts";
import type { BatchSource, Described, Entity, Feature, FeatureView } from "../definitions.ts";
import { readDuration } from "../duration.ts";
import { decodeFeatureValue } from "../rows/decode-value.ts";
import { compileRowDecoder } from "../rows/row-decoder.ts";
import { compileStream } from "./compile-stream.ts";

type FileView = FeatureStoreFile["feature_views"][number];

/** What a view is compiled in. */
export interface ViewSurroundings {
  readonly entities: ReadonlyMap<string, Entity>;
  /** Names of tenants, for topics that are named after them. */
  readonly tenants: readonly string[];
  /** Relative paths count from here. */
  readonly folder: string;
  readonly placeOf: (path: string) => string;
}

/** One feature view with its row decoder. */
export function compileView(view: FileView, path: string, surroundings: ViewSurroundings): FeatureView {
  const { entities: entitiesByName, placeOf } = surroundings;
  const entities = (view.entities ?? [view.entity]).flatMap((name) => entitiesByName.get(name ?? "") ?? []);
  const features = view.features.map((feature, index) =>
    compileFeature(feature, index, placeOf(`${path}.features[${index}]`)),
  );
  const ttl = orNone(micros(view.ttl));
  const shape = {
    joinKeys: entities.flatMap(({ joinKeys }) => joinKeys),
    features,
    partialRows: view.partial_rows,
    timeUnit: view.time_unit,
    source: view.source === undefined ? undefined : compileSource(view.source, placeOf(`${path}.source`)),
    stream: view.stream === undefined ? undefined : compileStream(view.stream, placeOf(`${path}.stream`), surroundings),
  };
  return {
    ...describe(view, placeOf(path)),
    ...shape,
    entities,
    featureByName: new Map(features.map((feature) => [feature.name, feature])),
    ttl,
    onlineTtl: view.online_ttl === undefined ? ttl : onlineTtl(view.online_ttl),
    keepStale: micros(view.keep_stale),
    maxFuture: micros(view.max_future),
    tombstoneRetention: micros(view.tombstone_retention),
    longTail: view.long_tail,
    pushSource: view.push_source ?? view.name,
    freshness: view.freshness === undefined ? undefined : micros(view.freshness),
    rowDecoder: compileRowDecoder(shape),
  };
}

/** What people say about a definition, and where it stands. */
export function describe(
  definition: Pick<Described, "name" | "description" | "owner" | "tags">,
  place: string,
): Described {
  const { name, description, owner, tags } = definition;
  return { name, description, owner, tags: { ...tags }, place };
}

/** Microseconds of a duration that the checks have passed. */
export function micros(duration: string | number): number {
  return duration === 0 || duration === "0" ? 0 : Number(readDuration(String(duration)));
}

/** 0 in the file is no limit. */
function orNone(duration: number): number | undefined {
  return duration === 0 ? undefined : duration;
}

function onlineTtl(value: string | number): number | undefined {
  return value === "none" ? undefined : orNone(micros(value));
}

function compileFeature(feature: FileView["features"][number], index: number, place: string): Feature {
  const decoded = feature.default === undefined ? undefined : decodeFeatureValue(feature.type, feature.default);
  return {
    ...describe(feature, place),
    type: feature.type,
    default: decoded?.ok === true ? decoded.value : undefined,
    index,
  };
}

function compileSource(source: NonNullable<FileView["source"]>, place: string): BatchSource {
  return {
    path: source.path,
    timestampField: source.timestamp_field,
    createdTimestampColumn: source.created_timestamp_column,
    createdMeans: source.created_means,
    tombstoneColumn: source.tombstone_column,
    tenantColumn: source.tenant_column,
    fieldMapping: new Map(Object.entries(source.field_mapping)),
    hivePartitions: new Map(Object.entries(source.hive_partitions)),
    place,
  };
}
