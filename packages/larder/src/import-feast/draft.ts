/** What anything in the file may say about itself. */
interface Described {
  description?: string;
  owner?: string;
  tags?: Record<string, string>;
}

/** An entity as the file will have it. */
export interface DraftEntity extends Described {
  name: string;
  join_keys: { name: string; type: string }[];
}

/** A feature as the file will have it. */
export interface DraftFeature extends Described {
  name: string;
  type: string;
}

/** A view's rows at rest. */
export interface DraftSource extends Described {
  path: string;
  timestamp_field?: string;
  created_timestamp_column?: string;
  field_mapping?: Record<string, string>;
}

/** A view's rows in motion. */
export interface DraftStream extends Described {
  topic: string;
  format: "json";
  event_time?: string;
  created_time?: string;
  field_mapping?: Record<string, string>;
}

/** A feature view as the file will have it. */
export interface DraftView extends Described {
  name: string;
  entities: string[];
  ttl?: string;
  online_ttl?: "none";
  features: DraftFeature[];
  source?: DraftSource;
  stream?: DraftStream;
  push_source?: string;
}

/** A view as a service takes it. */
export interface DraftProjection {
  view: string;
  name_alias?: string;
  join_key_map?: Record<string, string>;
  features: string[];
}

/** A feature service as the file will have it. */
export interface DraftService extends Described {
  name: string;
  features: DraftProjection[];
}

/** A `feature_store.yaml` in the making: mutable, since what the loader refuses is taken out of it. */
export interface DraftFile extends Described {
  project: string;
  online_store: Record<string, string | number>;
  entity_key_serialization_version?: number;
  offline_store?: { type: "duckdb"; path: string };
  stream?: { type: "kafka"; brokers: string[] };
  entities: DraftEntity[];
  feature_views: DraftView[];
  feature_services: DraftService[];
}

/** Description, owner and tags where there are any. */
export function described(spec: {
  readonly description: string;
  readonly owner?: string;
  readonly tags: Readonly<Record<string, string>>;
}): Described {
  return {
    ...(spec.description === "" ? {} : { description: spec.description }),
    ...((spec.owner ?? "") === "" ? {} : { owner: spec.owner as string }),
    ...(Object.keys(spec.tags).length === 0 ? {} : { tags: sorted(spec.tags) }),
  };
}

/** A map in the order of its keys: Feast writes maps in no order. */
export function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** In the order of names: a registry has none, and each `feast apply` may write another. */
export function byName<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
