import { PredictAnswer, PredictionValue, RowError, UsedStatus } from "@larder/contract";
import type { Definitions, FeatureRef, FeatureView, JoinKey, ModelDefinition } from "@larder/schema";
import { exampleValue, type Json, requestValue } from "./value-schema.ts";

/** What a route takes, and answers where that is known better than the contract has it, in the names and types of one file. */
export interface TypedBody {
  readonly body: Json;
  readonly answer?: Json;
  readonly example: unknown;
}

/** `POST /get-online-features`: a feature service with its join keys, or a list of features. */
export function featuresBody({ services, views }: Pick<Definitions, "services" | "views">): TypedBody | undefined {
  const options = {
    full_feature_names: { type: "boolean" },
    include_feature_view_version_metadata: { type: "boolean" },
  };
  const ofService = [...services.values()].map(({ name, features }) => ({
    type: "object",
    title: name,
    required: ["feature_service", "entities"],
    properties: { feature_service: { const: name }, entities: keyColumns(joinKeysOf(features)), ...options },
  }));
  const readable = [...views.values()].filter(({ features }) => features.length > 0);
  const [first] = readable;
  if (first === undefined) return undefined;
  const ofViews = readable.map((view) => ({
    type: "object",
    title: `Features of ${view.name}`,
    required: ["features", "entities"],
    properties: { features: references([view]), entities: keyColumns(view.joinKeys), ...options },
  }));
  const keys = uniqueKeys(readable.flatMap(({ joinKeys }) => joinKeys));
  const ofSeveral = {
    type: "object",
    title: "Features of several views",
    description: "With the join keys of all these views.",
    required: ["features", "entities"],
    properties: { features: references(readable), entities: keyColumns(keys), ...options },
  };
  const example = { features: [`${first.name}:${first.features[0]?.name}`], entities: exampleColumns(first.joinKeys) };
  return { body: { anyOf: [...ofService, ...ofViews, ...(readable.length > 1 ? [ofSeveral] : [])] }, example };
}

/** `POST /historical-features`: entity rows for a feature service, or for features of views that have a source. */
export function historicalBody({ services, views }: Pick<Definitions, "services" | "views">): TypedBody | undefined {
  const options = {
    full_feature_names: { type: "boolean" },
    as_of: { enum: ["bitemporal", "event_time"] },
  };
  const alternative = (title: string, wish: Readonly<Record<string, Json>>, keys: readonly JoinKey[]): Json => ({
    type: "object",
    title,
    required: [...Object.keys(wish), "entity_rows"],
    properties: { ...wish, entity_rows: { type: "array", minItems: 1, items: timedRow(keys) }, ...options },
  });
  const joined = (features: readonly FeatureRef[]) => features.every(({ view }) => view.source !== undefined);
  const ofServices = [...services.values()]
    .filter(({ features }) => joined(features))
    .map(({ name, features }) => alternative(name, { feature_service: { const: name } }, joinKeysOf(features)));
  const sourced = [...views.values()].filter(({ source, features }) => source !== undefined && features.length > 0);
  const ofViews = sourced.map((view) =>
    alternative(`Features of ${view.name}`, { features: references([view]) }, view.joinKeys),
  );
  const [first] = sourced;
  if (first === undefined) return undefined;
  const key = first.joinKeys.map(({ name, type }) => [name, exampleValue(type)] as const);
  const row = { ...Object.fromEntries(key), [EVENT_TIME]: EXAMPLE_TIME };
  const example = { features: [`${first.name}:${first.features[0]?.name}`], entity_rows: [row] };
  return { body: { anyOf: [...ofServices, ...ofViews] }, example };
}

/** A row of join keys and a time; further members go through, and are the same in every row. */
function timedRow(keys: readonly JoinKey[]): Json {
  return {
    type: "object",
    required: [...keys.map(({ name }) => name), EVENT_TIME],
    properties: {
      ...Object.fromEntries(keys.map(({ name, type }) => [name, requestValue(type)])),
      [EVENT_TIME]: TIME,
    },
  };
}

/** `POST /push`: the rows of each push source. */
export function pushBody({ pushSources }: Pick<Definitions, "pushSources">): TypedBody | undefined {
  return ofEach([...pushSources], ([name, views]) => ({
    name: { push_source_name: name },
    members: { df: frame(views), to: { const: "online" }, ...FLAGS },
    example: { df: exampleFrame(views) },
  }));
}

/** `POST /write-to-online-store`: the rows of each view. */
export function writeBody({ views }: Pick<Definitions, "views">): TypedBody | undefined {
  return ofEach([...views.values()], (view) => ({
    name: { feature_view_name: view.name },
    members: { df: frame([view]), ...FLAGS },
    example: { df: exampleFrame([view]) },
  }));
}

/** `POST /delete-from-online-store`: the join keys of each view. */
export function deleteBody({ views }: Pick<Definitions, "views">): TypedBody | undefined {
  return ofEach([...views.values()], ({ name, joinKeys }) => ({
    name: { feature_view_name: name },
    members: { entities: { ...keyColumns(joinKeys), additionalProperties: false }, event_timestamp: TIME },
    needed: ["event_timestamp"],
    example: { entities: exampleColumns(joinKeys), event_timestamp: EXAMPLE_TIME },
    closed: true,
  }));
}

/** `POST /materialize`: a window, or everything, of views with a source. */
export function materializeBody({ views }: Pick<Definitions, "views">): TypedBody | undefined {
  const members = materializeMembers(views);
  if (members === undefined) return undefined;
  const unused = { type: "null" };
  const window = {
    type: "object",
    required: ["start_ts", "end_ts"],
    properties: { start_ts: TIME, end_ts: TIME, disable_event_timestamp: { const: false }, ...members },
  };
  const everything = {
    type: "object",
    required: ["disable_event_timestamp"],
    properties: { disable_event_timestamp: { const: true }, start_ts: unused, end_ts: unused, ...members },
  };
  return { body: { anyOf: [window, everything] }, example: { start_ts: EXAMPLE_TIME, end_ts: EXAMPLE_TIME } };
}

/** `POST /materialize-incremental`: up to when. */
export function materializeIncrementalBody({ views }: Pick<Definitions, "views">): TypedBody | undefined {
  const members = materializeMembers(views);
  if (members === undefined) return undefined;
  const body = { type: "object", required: ["end_ts"], properties: { end_ts: TIME, ...members } };
  return { body, example: { end_ts: EXAMPLE_TIME } };
}

function materializeMembers(views: Definitions["views"]): Readonly<Record<string, Json>> | undefined {
  const sourced = [...views.values()].flatMap(({ name, source }) => (source === undefined ? [] : [name]));
  if (sourced.length === 0) return undefined;
  return {
    feature_views: { type: ["array", "null"], minItems: 1, items: { enum: sourced } },
    full_feature_names: { type: "boolean" },
    version: { type: "null" },
  };
}

/**
 * A model's route: entity rows with its join keys, request features and overrides; its predictions.
 * @param reads the features that its inputs take; the service may have more
 */
export function modelBody(model: ModelDefinition, reads: readonly FeatureRef[]): TypedBody {
  const { name, featureService, requestFeatures } = model;
  const keys = joinKeysOf(reads);
  const stored = new Map(reads.map((ref) => [`${ref.viewName}:${ref.feature.name}`, ref.feature.type]));
  const row = {
    type: "object",
    required: [...keys, ...requestFeatures.filter((feature) => feature.default === undefined)].map((each) => each.name),
    properties: Object.fromEntries([
      ...keys.map((key) => [key.name, requestValue(key.type)] as const),
      ...requestFeatures.map(({ name, type, default: given }) => [
        name,
        given === undefined || typeof given === "bigint" || given instanceof Uint8Array
          ? requestValue(type)
          : { ...requestValue(type), default: given },
      ]),
      [
        "overrides",
        {
          type: "object",
          description: "Values to use instead of stored ones; null stands for a missing value.",
          properties: mapValues(stored, (type) => requestValue(type, { nullable: true })),
          additionalProperties: false,
        },
      ],
    ]),
    additionalProperties: false,
  };
  const rows = {
    type: "object",
    required: ["entity_rows"],
    properties: { entity_rows: { type: "array", minItems: 1, items: row } },
    additionalProperties: false,
  };
  const predictions = Object.fromEntries(model.predictions.map(({ name }) => [name, PredictionValue]));
  const prediction = { type: "object", required: Object.keys(predictions), properties: predictions };
  const statuses = {
    type: "object",
    properties: mapValues(stored, () => UsedStatus),
    additionalProperties: false,
    description: "What is not PRESENT, or OVERRIDDEN by the request.",
  };
  const { metadata } = PredictAnswer.properties;
  const many = {
    type: "object",
    required: ["predictions", "metadata"],
    properties: {
      predictions: {
        type: "array",
        items: { anyOf: [{ ...prediction, additionalProperties: false }, { type: "null" }] },
      },
      errors: { type: "array", items: RowError },
      metadata: {
        ...metadata,
        properties: {
          ...metadata.properties,
          model: { const: name },
          feature_service: { const: featureService.name },
          feature_status: { type: "array", items: statuses },
        },
      },
    },
    additionalProperties: false,
  };
  const flat = {
    ...prediction,
    properties: { ...predictions, errors: { type: "array", items: RowError }, feature_status: statuses },
    additionalProperties: false,
  };
  const example = Object.fromEntries(
    [...keys, ...requestFeatures].map(({ name, type }) => [name, exampleValue(type)] as const),
  );
  return { body: { anyOf: [rows, row] }, answer: { anyOf: [many, flat] }, example: { entity_rows: [example] } };
}

const EVENT_TIME = "event_timestamp";
const TIME = { type: "string", minLength: 1, description: "ISO 8601; without a zone it is UTC." };
const EXAMPLE_TIME = "2024-01-01T00:00:00Z";
const FLAGS = { allow_registry_cache: { type: "boolean" }, transform_on_write: { type: "boolean" } };

interface Alternative {
  /** The member that says which it is. */
  readonly name: Readonly<Record<string, string>>;
  /** The first is needed. */
  readonly members: Readonly<Record<string, Json>>;
  readonly needed?: readonly string[];
  readonly example: object;
  readonly closed?: boolean;
}

function ofEach<T>(all: readonly T[], describe: (each: T) => Alternative): TypedBody | undefined {
  const alternatives = all.map(describe);
  const [first] = alternatives;
  if (first === undefined) return undefined;
  const schemas = alternatives.map(({ name, members, needed = [], closed }) => ({
    type: "object",
    title: Object.values(name)[0],
    required: [...Object.keys(name), Object.keys(members)[0], ...needed],
    properties: { ...mapValues(Object.entries(name), (text) => ({ const: text })), ...members },
    ...(closed === true ? { additionalProperties: false } : {}),
  }));
  return { body: { anyOf: schemas }, example: { ...first.name, ...first.example } };
}

/** The columns of a push or write: those of all the views that take the rows. */
function frame(views: readonly FeatureView[]): Json {
  const column = (items: Json, description?: string): Json => ({
    type: "array",
    minItems: 1,
    items,
    ...(description === undefined ? {} : { description }),
  });
  const properties: Record<string, Json> = {};
  const required = new Set<string>();
  const numbers = views.some(({ timeUnit }) => timeUnit !== undefined);
  const time = { type: numbers ? ["string", "number"] : "string" };
  for (const { joinKeys, features, source, stream, partialRows } of views) {
    // Columns that have another name in the source may come under either.
    const renamed = new Set(source?.fieldMapping.values());
    for (const { name, type } of joinKeys) {
      properties[name] = column(requestValue(type));
      if (!renamed.has(name)) required.add(name);
    }
    for (const { name, type } of features) {
      properties[name] = column(requestValue(type, { nullable: true }));
      if (partialRows === "refuse" && source?.tombstoneColumn === undefined && !renamed.has(name)) required.add(name);
    }
    if (stream === undefined && (source?.timestampField ?? EVENT_TIME) === EVENT_TIME) required.add(EVENT_TIME);
  }
  return {
    type: "object",
    description: "Columns of equal length.",
    required: [...required],
    properties: {
      ...properties,
      [EVENT_TIME]: column(time, "ISO 8601; without a zone it is UTC."),
    },
    additionalProperties: { type: "array" },
  };
}

function exampleFrame(views: readonly FeatureView[]): Json {
  const columns = views.flatMap(({ joinKeys, features }) => [...joinKeys, ...features]);
  return { ...exampleColumns(columns), event_timestamp: [EXAMPLE_TIME] };
}

function exampleColumns(columns: readonly Pick<FeatureView["features"][number] | JoinKey, "name" | "type">[]): Json {
  return Object.fromEntries(columns.map(({ name, type }) => [name, [exampleValue(type)]]));
}

function keyColumns(keys: readonly JoinKey[]): Json {
  const column = (key: JoinKey) => ({ type: "array", minItems: 1, items: requestValue(key.type) });
  return {
    type: "object",
    description: "Columns of equal length.",
    required: keys.map(({ name }) => name),
    properties: Object.fromEntries(keys.map((key) => [key.name, column(key)])),
  };
}

function references(views: readonly FeatureView[]): Json {
  const names = views.flatMap(({ name, features }) => features.map((feature) => `${name}:${feature.name}`));
  return { type: "array", minItems: 1, uniqueItems: true, items: { enum: names } };
}

/** The request's columns that the features' views need, under the names that the service gives them. */
function joinKeysOf(features: readonly FeatureRef[]): readonly JoinKey[] {
  return uniqueKeys(
    features.flatMap(({ view, joinKeyMap }) =>
      view.joinKeys.map(({ name, type }) => ({ name: joinKeyMap.get(name) ?? name, type })),
    ),
  );
}

function uniqueKeys(keys: readonly JoinKey[]): readonly JoinKey[] {
  return [...new Map(keys.map((key) => [key.name, key])).values()];
}

function mapValues<T>(entries: Iterable<readonly [string, T]>, to: (value: T) => unknown): Json {
  return Object.fromEntries([...entries].map(([name, value]) => [name, to(value)]));
}
