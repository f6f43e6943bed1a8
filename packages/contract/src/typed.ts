import type { KeyType, TimeUnit, ValueType } from "@larder/schema";
import type { PredictAnswer, PredictionValue, RowError, UsedStatus } from "./predict.ts";
import type { Status } from "./value.ts";

/** How int64 and unix_timestamp values come out: as `number`, refused beyond 2^53, or as `bigint`. */
export type Int64Mode = "number" | "bigint";

/** A time as callers give it: ISO 8601 text (without a zone it is UTC), a `Date`, or bigint microseconds since the epoch. */
export type TimeInput = string | Date | bigint;

/**
 * The names and value types of one `feature_store.yaml`, as `larder codegen` writes them down: nothing but types, which the others of this module
 * are computed from. Maps are by name.
 */
export interface Schema {
  readonly tenants: string;
  readonly views: { readonly [view: string]: View };
  readonly services: { readonly [service: string]: Service };
  readonly models: { readonly [model: string]: Model };
}

interface View {
  readonly joinKeys: JoinKeys;
  readonly features: Features;
  /** Present where a pushed row may lack features. */
  readonly partialRows?: true;
  /** Present where times may be bare numbers. */
  readonly timeUnit?: TimeUnit;
  /** Present where a pushed row may be a deletion: the column that says so. */
  readonly tombstone?: string;
}

interface Service {
  readonly joinKeys: JoinKeys;
  /** By `view:feature`. */
  readonly features: Features;
}

interface Model {
  readonly featureService: string;
  /** A union where there are several. */
  readonly prediction: string;
  /** What every entity row brings beside its join keys; those with a default are optional. */
  readonly requestFeatures?: Features;
}

interface JoinKeys {
  readonly [column: string]: KeyType;
}

interface Features {
  readonly [feature: string]: ValueType;
}

export type ViewName<S extends Schema> = keyof S["views"] & string;
export type ServiceName<S extends Schema> = keyof S["services"] & string;
export type ModelName<S extends Schema> = keyof S["models"] & string;

/** Every `view:feature` of the definitions. */
export type FeatureName<S extends Schema> = {
  [V in ViewName<S>]: `${V}:${keyof S["views"][V]["features"] & string}`;
}[ViewName<S>];

/** What a caller may give for a value of a declared type. */
export type Input<T extends ValueType> = T extends `list<${infer Item extends ValueType}>`
  ? readonly Input<Item>[]
  : ScalarInputs[T & keyof ScalarInputs];

interface ScalarInputs {
  int32: number | bigint;
  /** A number up to 2^53; a decimal string holds all of int64. */
  int64: number | bigint | string;
  float32: number | bigint;
  float64: number | bigint;
  bool: boolean;
  string: string;
  /** Text is base64. */
  bytes: Uint8Array | string;
  /** Whole seconds since 1970. */
  unix_timestamp: number | bigint | Date;
}

/** What comes out for a declared type, apart from null. */
export type Value<T extends ValueType, Int64 extends Int64Mode> = T extends `list<${infer Item extends ValueType}>`
  ? readonly Value<Item, Int64>[]
  : ScalarValues<Int64>[T & keyof ScalarInputs];

interface ScalarValues<Int64 extends Int64Mode> {
  int32: number;
  int64: WholeNumber<Int64>;
  float32: number;
  float64: number;
  bool: boolean;
  string: string;
  bytes: Uint8Array;
  unix_timestamp: WholeNumber<Int64>;
}

type WholeNumber<Int64 extends Int64Mode> = Int64 extends "bigint" ? bigint : number;

type KeyInputs<Keys extends JoinKeys> = { readonly [K in keyof Keys]: Input<Keys[K]> };

/** The join keys that a list of `view:feature` needs: those of all its views. */
export type FeaturesEntityRow<S extends Schema, F extends string> = All<
  F extends `${infer V}:${string}` ? KeyInputs<S["views"][V]["joinKeys"]> : never
>;

/** The join keys that a feature service needs; those of both, where it is one of two. */
export type ServiceEntityRow<S extends Schema, N extends ServiceName<S>> = All<
  N extends unknown ? KeyInputs<S["services"][N]["joinKeys"]> : never
>;

/** The value types of a list of `view:feature`. */
export type FeaturesOf<S extends Schema, F extends string> = {
  readonly [R in F]: R extends `${infer V}:${infer Name}` ? S["views"][V]["features"][Name] : never;
};

/** Features by `view:feature` as columns of an answer: `feature`, or `view__feature` with full names. */
export type Columns<Refs extends Features, Full extends boolean, Int64 extends Int64Mode> = {
  -readonly [R in keyof Refs as ColumnName<R, Full>]: Value<Refs[R], Int64> | null;
};

type ColumnName<R, Full extends boolean> = R extends `${infer V}:${infer Name}`
  ? Full extends true
    ? `${V}__${Name}`
    : Name
  : never;

/** What a feature service answers for one entity row, without the join keys. */
export type FeatureVector<
  S extends Schema,
  N extends ServiceName<S>,
  Int64 extends Int64Mode = "number",
  Full extends boolean = false,
> = N extends unknown ? Columns<S["services"][N]["features"], Full, Int64> : never;

/** A row of a view as `push` takes it: join keys, every feature, its times. */
export type PushRow<S extends Schema, V extends ViewName<S>> = V extends unknown ? RowOf<S["views"][V]> : never;

type RowOf<V extends View> = V extends { readonly tombstone: infer Column extends string }
  ? LiveRow<V, { readonly [C in Column]?: false | null }> | Flat<Head<V> & { readonly [C in Column]: true }>
  : LiveRow<V, unknown>;

type LiveRow<V extends View, More> = Flat<Head<V> & Cells<V> & More>;

type Head<V extends View> = KeyInputs<V["joinKeys"]> & {
  readonly event_timestamp: Time<V>;
  readonly created?: Time<V> | null;
};

type Cells<V extends View> = V extends { readonly partialRows: true }
  ? Partial<FeatureInputs<V["features"]>>
  : FeatureInputs<V["features"]>;

type FeatureInputs<F extends Features> = { readonly [K in keyof F]: Input<F[K]> | null };

type Time<V extends View> = V extends { readonly timeUnit: TimeUnit } ? TimeInput | number : TimeInput;

/** The body of a model's route: many entity rows, or one that stands alone. int64 join keys of JSON are numbers or decimal strings. */
export type ModelRequest<S extends Schema, M extends ModelName<S>> =
  | { readonly entity_rows: readonly ModelEntityRow<S, M>[] }
  | ModelEntityRow<S, M>;

/** One entity of a model's request. */
export type ModelEntityRow<S extends Schema, M extends ModelName<S>> = Flat<
  {
    readonly [K in keyof ServiceEntityRow<S, ServiceOf<S, M>>]: Extract<
      ServiceEntityRow<S, ServiceOf<S, M>>[K],
      number | string
    >;
  } & RequestInputs<S["models"][M]> & {
      /** Values to use instead of stored ones; null stands for a missing value. */
      readonly overrides?: Overrides<S["services"][ServiceOf<S, M>]["features"]>;
    }
>;

type RequestInputs<M extends Model> = M extends { readonly requestFeatures: infer F extends Features }
  ? { readonly [K in keyof F]: JsonInput<NonNullable<F[K]>> }
  : unknown;

type Overrides<F extends Features> = { readonly [K in keyof F]?: JsonInput<F[K]> | null };

/** What JSON has of the inputs of a type. */
type JsonInput<T extends ValueType> = T extends `list<${infer Item extends ValueType}>`
  ? readonly JsonInput<Item>[]
  : Extract<Input<T>, number | string | boolean>;

/** One row's predictions of a model: those of its yaml, side by side. */
export type ModelPrediction<S extends Schema, M extends ModelName<S>> = {
  readonly [P in S["models"][M]["prediction"]]: PredictionValue;
};

/** The answer of a model's route to many entity rows. */
export type ModelAnswer<S extends Schema, M extends ModelName<S>> = M extends unknown
  ? {
      readonly predictions: readonly (ModelPrediction<S, M> | null)[];
      readonly errors?: readonly (Omit<RowError, "features"> & {
        readonly features: readonly (ModelFeature<S, M> | RequestName<S["models"][M]>)[];
      })[];
      readonly metadata: Omit<PredictAnswer["metadata"], "model" | "feature_service" | "feature_status"> & {
        readonly model: M;
        readonly feature_service: ServiceOf<S, M>;
        readonly feature_status: readonly { readonly [F in ModelFeature<S, M>]?: UsedStatus }[];
      };
    }
  : never;

type ServiceOf<S extends Schema, M extends ModelName<S>> = S["models"][M]["featureService"];
type ModelFeature<S extends Schema, M extends ModelName<S>> = keyof S["services"][ServiceOf<S, M>]["features"] & string;

type RequestName<M extends Model> = M extends { readonly requestFeatures: infer F } ? keyof F & string : never;

/** One object type instead of an intersection, for readable messages. */
type Flat<T> = { [K in keyof T]: T[K] };

/** The intersection of a union's members. */
type All<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer Every) => void
  ? Flat<Every>
  : never;

/**
 * The answer of `getOnlineFeatures`: entity rows x features, in the order of the request. `Values` are the features of one entity row, `Keys` its
 * join keys; what `larder codegen` generates knows both.
 */
export interface OnlineFeatures<Values extends object = Record<string, unknown>, Keys extends object = object> {
  /** Column name -> one value per entity row: join keys as they were given, then features. null where there is no value; see `statuses`. */
  toDict(): { [Name in keyof (Keys & Values)]: (Keys & Values)[Name][] };
  /** One object per entity row. */
  toRows(): { [Name in keyof (Keys & Values)]: (Keys & Values)[Name] }[];
  /** Feature -> why each value is what it is. */
  readonly statuses: { readonly [Name in keyof Values]: readonly Status[] };
  /** Feature -> event time of the row each value came from, ISO 8601 with microseconds; null where there is no row. */
  readonly eventTimestamps: { readonly [Name in keyof Values]: readonly (string | null)[] };
  /** True iff last-known-good rows or outage defaults were used. */
  readonly degraded: boolean;
}

/** A list of features or a feature service, never both. */
export type Selection<S extends Schema> = { readonly fullFeatureNames?: boolean | undefined } & (
  | { readonly features: readonly FeatureName<S>[]; readonly featureService?: undefined }
  | { readonly featureService: ServiceName<S>; readonly features?: undefined }
);

/** Columns of a list written out in the call are all there; those of a list computed elsewhere may be. */
export type Listed<F extends readonly string[], Values> = number extends F["length"] ? Partial<Values> : Values;

/** Join keys come back as they were given, of all that a row holds. */
export type Echo<Row, Keys> = { -readonly [K in keyof Keys]: K extends keyof Row ? Row[K] : never };
