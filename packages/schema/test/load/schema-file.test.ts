import { readFileSync } from "node:fs";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import { withReference } from "../../scripts/reference.ts";
import { FeatureStoreFile } from "../../src/definition-schema.ts";
import { checkShape } from "../../src/load/check-shape.ts";
import type { JsonSchema } from "../../src/load/json-schema.ts";
import { ProblemList } from "../../src/problem-list.ts";
import { schemaJson } from "../../src/schema-json.ts";
import { fullBudget } from "../../src/yaml/limits.ts";
import { readYaml } from "../../src/yaml/read-yaml.ts";

const REMEDY = "run: pnpm --filter @larder/schema schema";

test("feature_store.schema.json is what the schema says", () => {
  const file = readFileSync(new URL("../../feature_store.schema.json", import.meta.url), "utf8");
  expect(file === schemaJson(), REMEDY).toBe(true);
});

test("docs/feature_store.md lists exactly the schema's keys, types and defaults", () => {
  const page = readFileSync(new URL("../../../../docs/feature_store.md", import.meta.url), "utf8");
  expect(page === withReference(page), REMEDY).toBe(true);
  for (const key of allKeys(FeatureStoreFile as JsonSchema)) expect(page).toContain(`\`${key}\``);
});

test("every map with fixed keys refuses others; every key says what it is and what holds without it", () => {
  const sections = allSections(FeatureStoreFile as JsonSchema);
  expect(sections.length).toBeGreaterThan(20);
  for (const section of sections) {
    expect(section).toHaveProperty("additionalProperties", false);
    expect(Object.keys(section.properties ?? {})).toEqual(expect.arrayContaining(["description", "owner", "tags"]));
    for (const [key, each] of Object.entries(section.properties ?? {})) {
      expect(each.description, key).toMatch(/\.$/);
      const required = section.required?.includes(key) === true;
      const stated = [required, "default" in each, "x-default" in each].filter(Boolean);
      expect(stated, key).toHaveLength(1);
    }
  }
});

/** A file that uses every key, as JSON. */
const WHOLE = {
  project: "p",
  include: ["a.yaml"],
  online_store: {
    type: "redis",
    connection_string: "h:1",
    layout: "packed",
    gather: "script",
    key_ttl_seconds: 5,
    deadline: "1ms",
  },
  entity_key_serialization_version: 3,
  offline_store: { type: "duckdb", path: "data" },
  stream: { type: "kafka", brokers: ["b:1"], group_id: "g", schema_registry: { url: "http://r", username: "u" } },
  entities: [{ name: "e", join_keys: [{ name: "id", type: "int64" }], tags: { a: "b" } }],
  feature_views: [
    {
      name: "v",
      entity: "e",
      entities: ["e"],
      ttl: "1d",
      online_ttl: "none",
      keep_stale: 0,
      max_future: "1h",
      tombstone_retention: "30d",
      partial_rows: "absent",
      time_unit: "ms",
      features: [{ name: "f", type: "list<float32>", default: [1, 2] }],
      source: { path: "x", timestamp_field: "t", created_means: "arrival", field_mapping: { a: "b" } },
      stream: {
        topics: ["t"],
        format: "json",
        event_time: "header:t",
        tenant_field: "a.b",
        field_mapping: { "a.b": "f" },
      },
      push_source: "s",
      freshness: "60s",
    },
  ],
  feature_services: [{ name: "s", features: ["v:f", { view: "v", join_key_map: { id: "x" }, features: ["f"] }] }],
  models: [
    {
      name: "m",
      path: "m.onnx",
      feature_service: "s",
      inputs: { a: "v:f", b: ["v:f", "r"] },
      prediction: { output: "o", index: 0 },
      request_features: [{ name: "r", type: "float32", default: 1 }],
      on_missing: { default: "nan" },
      on_store_failure: { policy: "stale", max_age: "1h", otherwise: "fail" },
    },
  ],
  tenants: { default: {}, t: { ttl: { v: "1d" }, max_bytes: "1MB", on_full: "refuse", requests_per_second: 0.5 } },
  server: {
    host: "h",
    port: 1,
    auth: { keys: "k", jwt: { jwks_file: "f", issuer: "i", audience: "a" } },
    tls: { cert: "c", key: "k", ca: "a", client_cert: "require" },
    body_limit: 5,
    max_rows: 1,
    json_depth: 4,
    headers_timeout: "1s",
  },
  budgets: {
    lookup: { p99_ms: 1, aim_ms: 0.5 },
    predict: { requests_per_second: 1 },
    memory: { bytes_per_entity: 500 },
    cost: {
      monthly_usd: 120,
      entities: 1,
      requests_per_second: 1,
      node_memory: "1GiB",
      usd_per_gib: 1,
      usd_per_core: 1,
    },
    start: { ready_ms: 1 },
    image: { max_bytes: "1MB" },
  },
};

/** Rules that JSON Schema has no words for. */
const STRICTER =
  /JavaScript object has already|beyond 285 years|is zero|not above zero|2\^53 bytes|surrogate|characters long/;

const validator = Compile(FeatureStoreFile);

test("the reader and the published schema give the same verdict on any file", () => {
  expect(validator.Check(WHOLE)).toBe(true);
  expect(verdict(WHOLE)).toEqual([]);
  const junk = fc.oneof(
    fc.constantFrom<unknown>(
      "",
      "x",
      "a:b",
      "0",
      "none",
      "5s",
      "1MB",
      "memory",
      0,
      1,
      -1,
      1.5,
      true,
      [],
      {},
      ["x"],
      [1],
    ),
    fc.constantFrom<unknown>({ type: "memory" }, { name: "x" }, { x: "nan" }, [{}], "list<int32>", 70000, " x", "x y"),
  );
  const change = fc.record({
    where: fc.nat(10_000),
    how: fc.constantFrom("replace", "remove", "add"),
    value: junk,
    key: fc.constantFrom("name", "type", "extra", "description", "ttl", "default", "features"),
  });
  let refused = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 2 }), (changes) => {
      const file: unknown = structuredClone(WHOLE);
      for (const each of changes) applyChange(file, each);
      const problems = verdict(file);
      const stricter = problems.length > 0 && problems.every((what) => STRICTER.test(what));
      if (problems.length > 0) refused++;
      expect(validator.Check(file) || stricter, JSON.stringify([file, problems])).toBe(
        problems.length === 0 || stricter,
      );
    }),
    propertySettings(250),
  );
  expect(refused).toBeGreaterThan(30);
}, 120_000);

interface Change {
  readonly where: number;
  readonly how: string;
  readonly value: unknown;
  readonly key: string;
}

function applyChange(file: unknown, { where, how, value, key }: Change): void {
  const holders: Record<string, unknown>[] = [];
  collect(file, holders);
  const slots = holders.flatMap((holder) => Object.keys(holder).map((name) => ({ holder, name })));
  const slot = slots[where % slots.length];
  if (slot === undefined) return;
  if (how === "replace") slot.holder[slot.name] = structuredClone(value);
  else if (how === "add" && !Array.isArray(slot.holder)) slot.holder[key] = structuredClone(value);
  else if (Array.isArray(slot.holder)) slot.holder.splice(Number(slot.name), 1);
  else delete slot.holder[slot.name];
}

function collect(value: unknown, into: Record<string, unknown>[]): void {
  if (typeof value !== "object" || value === null) return;
  into.push(value as Record<string, unknown>);
  for (const each of Object.values(value)) collect(each, into);
}

/** What the shape check says; JSON is YAML. */
function verdict(file: unknown): readonly string[] {
  const problems = new ProblemList();
  const node = readYaml(JSON.stringify(file), { file: "f", env: {}, problems, budget: fullBudget() });
  if (node !== undefined) checkShape(FeatureStoreFile, node, problems);
  return problems.size === 0 ? [] : problems.toError("f").problems.map(({ what }) => what);
}

function allSections(schema: JsonSchema): readonly JsonSchema[] {
  const children = [
    ...(schema.anyOf ?? []),
    ...Object.values(schema.properties ?? {}),
    ...Object.values(schema.patternProperties ?? {}),
    ...(schema.items === undefined ? [] : [schema.items]),
  ];
  return [...(schema.properties === undefined ? [] : [schema]), ...children.flatMap(allSections)];
}

function allKeys(schema: JsonSchema): ReadonlySet<string> {
  return new Set(allSections(schema).flatMap(({ properties = {} }) => Object.keys(properties)));
}
