import type { Definitions, Entity, Feature, FeatureView, KeyType, RowDecoder, Tenant, ValueType } from "@larder/schema";
import { SCALAR_TYPES } from "@larder/schema";
import { DAY, HOUR, MINUTE } from "./harness.ts";

/** What a test says about a view; durations are microseconds. */
export interface ViewSpec {
  readonly name: string;
  readonly joinKeys: Readonly<Record<string, KeyType>>;
  readonly features: Readonly<Record<string, ValueType>>;
  readonly ttl?: number;
  readonly keepStale?: number;
  readonly maxFuture?: number;
  readonly tombstoneRetention?: number;
  readonly partialRows?: "refuse" | "absent";
}

/** What a test says about its definitions. */
export interface DefinitionsSpec {
  readonly project?: string;
  /** Tenant -> view -> TTL of that tenant. `default` is always there. */
  readonly tenants?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly views: readonly ViewSpec[];
}

/** Names that have broken somebody's keys before: separators, globs, escapes, controls, prefixes of each other, forms that normalize alike. */
export const HOSTILE_NAMES: readonly string[] = [
  "a",
  "ab",
  "a*",
  "a?",
  "[ab]",
  "a:b",
  "a|b",
  "a,b",
  "a/b",
  'a","b',
  "a\\",
  "{a}",
  "a{b}c",
  "}{",
  "%",
  "a%3Ab",
  "%00",
  "a\0b",
  "a\0",
  "a\nb",
  "a\r",
  " ",
  "a ",
  "A",
  "default2",
  "defaul",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "..",
  "\u00e9",
  "e\u0301",
  "\ufffd",
  "\u{1f600}",
  "\u{1f600}\u{1f600}",
  "\uff5e",
  "ö".repeat(100),
  "ö".repeat(99),
];

const CUSTOMER = { customer_id: "int64" } as const;

/** One feature per type, `t_int32` and so on, then one per list, `l_int32` and so on. */
const EVERY_TYPE: Readonly<Record<string, ValueType>> = Object.fromEntries(
  SCALAR_TYPES.flatMap((type): [string, ValueType][] => [
    [`t_${type}`, type],
    [`l_${type}`, `list<${type}>`],
  ]),
);

/** The views most rules are stated on. */
export const VIEWS: readonly ViewSpec[] = [
  {
    name: "profile",
    joinKeys: CUSTOMER,
    features: { tenure: "float32", plan: "string", active: "bool", visits: "int64" },
    tombstoneRetention: 30 * DAY,
  },
  {
    name: "usage",
    joinKeys: CUSTOMER,
    features: { minutes: "float64", note: "string" },
    ttl: HOUR,
    keepStale: 30 * MINUTE,
  },
  { name: "brief", joinKeys: CUSTOMER, features: { x: "int32" }, ttl: HOUR },
  { name: "punctual", joinKeys: CUSTOMER, features: { x: "int32" }, maxFuture: 0 },
  {
    name: "partial",
    joinKeys: CUSTOMER,
    features: { a: "int64", b: "string", c: "list<string>" },
    partialRows: "absent",
  },
  {
    name: "orders",
    joinKeys: { shop_id: "string", ...CUSTOMER },
    features: { count: "int32", last: "unix_timestamp" },
  },
  { name: "notes", joinKeys: { shop_id: "string" }, features: { text: "string" } },
  { name: "rates", joinKeys: {}, features: { rate: "float64" } },
  { name: "types", joinKeys: CUSTOMER, features: EVERY_TYPE },
];

/** Tenants of the suite: `acme` and `beta` have a TTL of their own for `usage`. */
export const TENANTS = {
  acme: { usage: 10 * MINUTE },
  beta: { usage: 2 * HOUR },
  ...Object.fromEntries(HOSTILE_NAMES.map((name) => [name, {}])),
} as const;

/** Compiles a specification, as the loader of feature_store.yaml would. */
export function definitionsOf(spec: DefinitionsSpec): Definitions {
  const { project = "conformance", tenants = {} } = spec;
  const views = new Map(spec.views.map((view) => [view.name, viewOf(view)]));
  const known = new Map<string, Tenant>(
    Object.entries({ default: {}, ...tenants }).map(([name, ttl]) => [
      name,
      { name, ttl: new Map(Object.entries(ttl)), maxBytes: undefined, requestsPerSecond: undefined },
    ]),
  );
  return {
    file: "/feature_store.yaml",
    folder: "/",
    project,
    onlineStore: { type: "memory", readDeadlineMs: 1_000, writeDeadlineMs: 1_000 },
    onFailure: "fail",
    offlineStore: { type: "duckdb", path: "/data" },
    stream: undefined,
    entities: new Map(),
    views,
    services: new Map(),
    models: new Map(),
    tenants: known,
    pushSources: new Map(),
    server: {
      host: "127.0.0.1",
      port: 0,
      auth: undefined,
      bodyLimitBytes: 1,
      maxRows: 1,
      jsonDepth: 1,
      headerLimitBytes: 1,
      headersTimeoutMs: 1,
      requestTimeoutMs: 1,
    },
    budgets: new Map(),
    notices: [],
    hash: "",
    onlineTtl: (view, tenant) => known.get(tenant)?.ttl.get(view.name) ?? view.onlineTtl,
  };
}

function viewOf(spec: ViewSpec): FeatureView {
  const described = { description: "", owner: "", tags: {}, place: "" };
  const joinKeys = Object.entries(spec.joinKeys).map(([name, type]) => ({ name, type }));
  const entities = joinKeys.map((key): Entity => ({ ...described, name: key.name, joinKeys: [key] }));
  const features = Object.entries(spec.features).map(
    ([name, type], index): Feature => ({ ...described, name, type, index, default: undefined }),
  );
  return {
    ...described,
    name: spec.name,
    entities,
    joinKeys,
    features,
    featureByName: new Map(features.map((feature) => [feature.name, feature])),
    ttl: spec.ttl,
    onlineTtl: spec.ttl,
    keepStale: spec.keepStale ?? 0,
    maxFuture: spec.maxFuture ?? HOUR,
    tombstoneRetention: spec.tombstoneRetention ?? 30 * DAY,
    partialRows: spec.partialRows ?? "refuse",
    timeUnit: undefined,
    source: undefined,
    stream: undefined,
    pushSource: spec.name,
    freshness: undefined,
    rowDecoder: NO_DECODER,
  };
}

/** The suite writes rows, not records. */
const NO_DECODER: RowDecoder = {
  decode: () => ({ ok: false, problems: [] }),
  decodeTombstone: () => ({ ok: false, problems: [] }),
  unknownColumns: () => [],
  missingColumns: () => [],
};
