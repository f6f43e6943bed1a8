import { expect, test } from "vitest";
import {
  type ChangeKind,
  compareDefinitions,
  type DefinitionsDescription,
  describeDefinitions,
  isDescription,
  parseDefinitions,
} from "../src/index.ts";
import { SHOP } from "./load/shop.ts";

function describe(text: string): DefinitionsDescription {
  return describeDefinitions(parseDefinitions(text, { file: "feature_store.yaml", env: {} }));
}

/** SHOP with texts in it replaced, each of which must be there. */
function changed(replacements: readonly (readonly [string, string])[]): DefinitionsDescription {
  let text = SHOP;
  for (const [from, to] of replacements) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  return describe(text);
}

const base = describe(SHOP);
const PLAN = "      - { name: plan, type: string }\n";
const SERVICE = '"profile:age", "profile:plan"';

/** What is replaced, and what the comparison says of it, forth and back. */
const CASES: readonly [
  name: string,
  replacements: readonly (readonly [string, string])[],
  forth: readonly [ChangeKind, string, RegExp][],
  back: readonly [ChangeKind, string, RegExp][],
][] = [
  [
    "a feature that nothing uses",
    [[PLAN, `${PLAN}      - { name: city, type: string }\n`]],
    [["safe", "feature_views.profile.city", /^added$/]],
    [["safe", "feature_views.profile.city", /^removed, and no service uses it$/]],
  ],
  [
    "a feature that a service with a model uses",
    [
      [PLAN, ""],
      [SERVICE, '"profile:age"'],
    ],
    [
      ["breaking", "feature_views.profile.plan", /^removed, and used by service shop_v1 and model churn$/],
      ["breaking", "feature_services.shop_v1", /^lost profile:plan, and it feeds model churn$/],
    ],
    [
      ["safe", "feature_views.profile.plan", /^added$/],
      ["safe", "feature_services.shop_v1", /^gained profile:plan$/],
    ],
  ],
  [
    "a view",
    [["  - { name: twin, entities: [ customer ], features: [{ type: float32, name: age }] }\n", ""]],
    [["safe", "feature_views.twin", /^removed/]],
    [["safe", "feature_views.twin", /^added$/]],
  ],
  [
    "a type",
    [[PLAN, "      - { name: plan, type: int64 }\n"]],
    [["rematerialize", "feature_views.profile.plan", /^type changed from string to int64$/]],
    [["rematerialize", "feature_views.profile.plan", /^type changed from int64 to string$/]],
  ],
  [
    "the order of features",
    [
      [PLAN, ""],
      ["      - { name: age,", `${PLAN}      - { name: age,`],
    ],
    [["safe", "feature_views.profile", /^features reordered$/]],
    [["safe", "feature_views.profile", /^features reordered$/]],
  ],
  [
    "a longer TTL, which brings rows back, and a shorter one, which does not",
    [["ttl: 30d", "ttl: 31d"]],
    [
      ["rematerialize", "feature_views.profile", /^online TTL changed from 30d to 31d$/],
      ["safe", "feature_views.profile", /^TTL of joins changed from 30d to 31d$/],
    ],
    [
      ["safe", "feature_views.profile", /^online TTL changed from 31d to 30d$/],
      ["safe", "feature_views.profile", /^TTL of joins/],
    ],
  ],
  [
    "a tenant's own TTL",
    [["{ ttl: { profile: 7d } }", "{}"]],
    [["rematerialize", "tenants.acme", /^online TTL of profile changed from 7d to 30d$/]],
    [["safe", "tenants.acme", /^online TTL of profile changed from 30d to 7d$/]],
  ],
  [
    "a join key",
    [["{ name: country, type: string }, { name: city, type: string }", "{ name: city, type: string }"]],
    ["a", "a__b", "by_city", "orders"]
      .map((view): [ChangeKind, string, RegExp] => ["breaking", `feature_views.${view}`, /^join keys changed from /])
      .concat([["safe", "entities.region", /^join keys changed$/]]),
    ["a", "a__b", "by_city", "orders"]
      .map((view): [ChangeKind, string, RegExp] => ["breaking", `feature_views.${view}`, /^join keys changed from /])
      .concat([["safe", "entities.region", /^join keys changed$/]]),
  ],
  [
    "the order of join keys, which keys do not follow",
    [
      [
        "{ name: country, type: string }, { name: city, type: string }",
        "{ name: city, type: string }, { name: country, type: string }",
      ],
    ],
    [["safe", "entities.region", /^join keys changed$/]],
    [["safe", "entities.region", /^join keys changed$/]],
  ],
  [
    "a source",
    [["path: profile/*.parquet", "path: other/*.parquet"]],
    [["rematerialize", "feature_views.profile", /^source changed$/]],
    [["rematerialize", "feature_views.profile", /^source changed$/]],
  ],
  [
    "what a created column means",
    [["path: profile/*.parquet", "path: profile/*.parquet, created_timestamp_column: c, created_means: arrival"]],
    [["rematerialize", "feature_views.profile", /^source changed$/]],
    [["rematerialize", "feature_views.profile", /^source changed$/]],
  ],
  [
    "a stream that is gone",
    [["    stream: { topic: orders }\n", ""]],
    [["safe", "feature_views.orders", /^stream removed$/]],
    [["safe", "feature_views.orders", /^stream added$/]],
  ],
  [
    "a push source",
    [["    ttl: 30d", "    ttl: 30d\n    push_source: elsewhere"]],
    [["breaking", "feature_views.profile", /^push_source changed from "profile" to "elsewhere"$/]],
    [["breaking", "feature_views.profile", /^push_source changed from "elsewhere" to "profile"$/]],
  ],
  [
    "a time unit",
    [["    ttl: 30d", "    ttl: 30d\n    time_unit: ms"]],
    [["safe", "feature_views.profile", /^time_unit added$/]],
    [["breaking", "feature_views.profile", /^time_unit changed from ms to none$/]],
  ],
  [
    "the order of features that feed a model",
    [[SERVICE, '"profile:plan", "profile:age"']],
    [["breaking", "feature_services.shop_v1", /^features reordered, and it feeds model churn: an input/]],
    [["breaking", "feature_services.shop_v1", /^features reordered/]],
  ],
  [
    "a model's input",
    [['{ age_in: "profile:age" }', '{ age_in: "orders:count" }']],
    [["breaking", "models.churn", /^its inputs take other features$/]],
    [["breaking", "models.churn", /^its inputs take other features$/]],
  ],
  [
    "a model's prediction, path and policy",
    [
      ["index: 1", "index: 0"],
      ["path: churn.onnx", "path: churn2.onnx\n    on_missing: nan"],
    ],
    [
      ["breaking", "models.churn", /^its prediction has another/],
      ["safe", "models.churn", /^path changed to churn2.onnx$/],
      ["safe", "models.churn", /^on_missing or on_store_failure changed$/],
    ],
    [
      ["breaking", "models.churn", /^its prediction/],
      ["safe", "models.churn", /^path changed/],
      ["safe", "models.churn", /^on_missing/],
    ],
  ],
  [
    "a request feature that every row must bring, and one with a default",
    [
      [
        "path: churn.onnx",
        "path: churn.onnx\n    request_features: [{ name: r, type: int32 }, { name: o, type: bool, default: true }]",
      ],
    ],
    [
      ["breaking", "models.churn", /^gained the request feature r$/],
      ["safe", "models.churn", /^gained the request feature o$/],
    ],
    [
      ["breaking", "models.churn", /^lost the request feature r$/],
      ["breaking", "models.churn", /^lost the request feature o$/],
    ],
  ],
  [
    "a tenant",
    [["  default: {}", "  default: {}\n  beta: {}"]],
    [["safe", "tenants.beta", /^added$/]],
    [["breaking", "tenants.beta", /^removed$/]],
  ],
  [
    "words",
    [["    ttl: 30d", "    ttl: 30d\n    description: people"]],
    [["safe", "feature_views.profile", /^description, owner or tags changed$/]],
    [["safe", "feature_views.profile", /^description, owner or tags changed$/]],
  ],
  [
    "settings of each process",
    [
      ["default: 0", "default: 1"],
      ["    ttl: 30d", "    ttl: 30d\n    keep_stale: 2h\n    freshness: 60s"],
    ],
    [
      ["safe", "feature_views.profile.age", /^default changed$/],
      ["safe", "feature_views.profile", /^keep_stale changed$/],
      ["safe", "feature_views.profile", /^freshness changed$/],
    ],
    [
      ["safe", "feature_views.profile.age", /^default changed$/],
      ["safe", "feature_views.profile", /^keep_stale changed$/],
      ["safe", "feature_views.profile", /^freshness changed$/],
    ],
  ],
];

test.each(CASES)("%s", (_, replacements, forth, back) => {
  const other = changed(replacements);
  const told = (before: DefinitionsDescription, after: DefinitionsDescription) =>
    compareDefinitions(before, after).map(({ kind, path, what }) => [kind, path, what]);
  expect(told(base, other)).toEqual(forth.map(([kind, path, what]) => [kind, path, expect.stringMatching(what)]));
  expect(told(other, base)).toEqual(back.map(([kind, path, what]) => [kind, path, expect.stringMatching(what)]));
  expect(compareDefinitions(other, other)).toEqual([]);
});

test("created_means alone changes no row", () => {
  const source = "path: profile/*.parquet, created_timestamp_column: c, created_means";
  const means = (what: string) => changed([["path: profile/*.parquet", `${source}: ${what}`]]);
  expect(compareDefinitions(means("arrival"), means("load_time"))).toMatchObject([{ kind: "safe" }]);
});

test("a service that is gone breaks its callers, also where a model's went with it", () => {
  const cut = describe(SHOP.replace(/feature_services:.*?(?=tenants:)/s, ""));
  expect(compareDefinitions(base, cut).map(({ kind, path }) => [kind, path])).toEqual([
    ["breaking", "feature_services.shop_v1"],
    ["breaking", "models.churn"],
  ]);
});

test("a description survives JSON, and one that was tampered with is none", () => {
  const copy: unknown = JSON.parse(JSON.stringify(base));
  expect(isDescription(copy)).toBe(true);
  expect(copy).toEqual(base);
  const meaning = base.meaning.replace("profile", "Profile");
  for (const bad of [{ ...base, meaning }, { ...base, format: 2 }, { ...base, words: { a: 1 } }, null, "x", {}]) {
    expect(isDescription(bad)).toBe(false);
  }
});
