import type { DefinitionsDescription } from "./describe-definitions.ts";

/** A map in canonical JSON: pairs, sorted by key. */
export interface Pairs<T> {
  readonly map: readonly (readonly [string, T])[];
}

/** The parts of `DefinitionsDescription.meaning` that a comparison looks into. Durations are microseconds; what is not set is absent. */
export interface Meaning {
  readonly entities: Pairs<EntityMeaning>;
  readonly views: Pairs<ViewMeaning>;
  readonly services: Pairs<ServiceMeaning>;
  readonly models: Pairs<ModelMeaning>;
  /** Tenant -> view -> online TTL. */
  readonly tenants: Pairs<Pairs<number>>;
}

export interface EntityMeaning {
  readonly joinKeys: readonly TypedName[];
}

export interface ViewMeaning {
  readonly joinKeys: readonly TypedName[];
  readonly features: readonly (TypedName & { readonly default?: unknown })[];
  readonly ttl?: number;
  readonly onlineTtl?: number;
  readonly keepStale: number;
  readonly maxFuture: number;
  readonly tombstoneRetention: number;
  readonly partialRows: string;
  readonly timeUnit?: string;
  readonly source?: object;
  readonly stream?: object;
  readonly pushSource: string;
  readonly freshness?: number;
}

export interface ServiceMeaning {
  readonly features: readonly ReferenceMeaning[];
}

export interface ReferenceMeaning {
  readonly view: string;
  readonly feature: string;
  readonly viewName: string;
  readonly joinKeyMap: Pairs<string>;
}

export interface ModelMeaning {
  readonly path: string;
  readonly featureService: string;
  readonly inputs: Pairs<object>;
  /** A list where there are several. */
  readonly prediction: object;
  /** Absent where there are none. */
  readonly requestFeatures?: readonly (TypedName & { readonly default?: unknown })[];
  readonly onMissing: string;
  readonly onMissingByFeature: Pairs<string>;
  readonly onStoreFailure: object;
}

interface TypedName {
  readonly name: string;
  readonly type: string;
}

/** Its text has the hash that says so, so it was written by `meaningText` and has this shape. */
export function meaningOf(description: DefinitionsDescription): Meaning {
  return JSON.parse(description.meaning) as Meaning;
}

/** Canonical JSON is equal text exactly where it is equal in meaning. */
export function sameMeaning(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
