import {
  type Definitions,
  type FeatureView,
  findView,
  type KeyType,
  parseDefinitions,
  SCALAR_TYPES,
  type ValueType,
} from "@larder/schema";
import { HOUR, MINUTE } from "./harness.ts";

/** What a test says about a view; durations are microseconds. Deletions are remembered for 30 days. */
export interface ViewSpec {
  readonly name: string;
  readonly joinKeys: Readonly<Record<string, KeyType>>;
  readonly features: Readonly<Record<string, ValueType>>;
  readonly ttl?: number;
  readonly keepStale?: number;
  readonly maxFuture?: number;
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
export const TENANTS: NonNullable<DefinitionsSpec["tenants"]> = {
  acme: { usage: 10 * MINUTE },
  beta: { usage: 2 * HOUR },
  ...Object.fromEntries(HOSTILE_NAMES.map((name) => [name, {}])),
};

/**
 * Compiles a specification by way of the loader, except for project and view names that the loader refuses: stores must keep those apart, too.
 */
export function definitionsOf({ project = "conformance", tenants = {}, views }: DefinitionsSpec): Definitions {
  const joinKeys = new Map(views.flatMap((view) => Object.entries(view.joinKeys).map((key) => [key.join(" "), key])));
  const file = {
    project: "conformance",
    online_store: { type: "memory" },
    entities: [...joinKeys].map(([name, [key, type]]) => ({ name, join_keys: [{ name: key, type }] })),
    feature_views: views.map((view, index) => ({
      name: plainName(view, index),
      entities: Object.entries(view.joinKeys).map((key) => key.join(" ")),
      features: Object.entries(view.features).map(([name, type]) => ({ name, type })),
      ttl: micros(view.ttl ?? 0),
      keep_stale: micros(view.keepStale ?? 0),
      max_future: micros(view.maxFuture ?? HOUR),
      tombstone_retention: "30d",
      partial_rows: view.partialRows ?? "refuse",
    })),
    tenants: Object.fromEntries(
      [["default", {}] as const, ...Object.entries(tenants)].map(([name, ttl]) => [
        name,
        { ttl: Object.fromEntries(Object.entries(ttl).map(([view, one]) => [view, micros(one)])) },
      ]),
    ),
  };
  const definitions = parseDefinitions(JSON.stringify(file), { file: "feature_store.yaml", env: {} });
  const named = views.map((view, index): [string, FeatureView] => [
    view.name,
    { ...findView(definitions, plainName(view, index)), name: view.name },
  ]);
  return { ...definitions, project, views: new Map(named) };
}

/** The definitions that most rules are stated on. */
export const DEFINITIONS = definitionsOf({ tenants: TENANTS, views: VIEWS });

function plainName({ name }: ViewSpec, index: number): string {
  return /^\w+$/.test(name) ? name : `view-${index}`;
}

function micros(duration: number): string {
  return `${duration}us`;
}
