import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { findView, parseDefinitions } from "@larder/schema";
import { expect, test } from "vitest";
import { SHOP, shopWith } from "./shop.ts";

const TEXT = readFileSync(new URL("fixtures/full.yaml", import.meta.url), "utf8");
const DAY = 86_400_000_000;

test("a file with every kind of definition compiles whole", () => {
  const definitions = parseDefinitions(TEXT, { file: "/srv/churn/feature_store.yaml" });
  expect(definitions.file).toBe("/srv/churn/feature_store.yaml");
  expect(definitions.folder).toBe("/srv/churn");
  expect(definitions.project).toBe("churn");
  expect(definitions.onlineStore).toEqual({
    type: "sqlite",
    path: "/srv/churn/.larder/online.db",
    readDeadlineMs: 50,
    writeDeadlineMs: 500,
  });
  expect(definitions.onFailure).toBe("fail");
  expect(definitions.offlineStore).toMatchObject({ type: "duckdb", path: "/srv/churn/data" });
  expect(definitions.stream).toMatchObject({
    brokers: ["localhost:9092"],
    groupId: "larder",
    client: "platformatic",
    clientId: "larder",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 30_000,
    requestTimeoutMs: 10_000,
    sasl: { mechanism: "scram-sha-512", username: "reader", password: "from the environment" },
    tls: { ca: "/srv/churn/kafka-ca.pem", cert: undefined, key: undefined },
    maxInFlight: { records: 50_000, bytes: 64 * 1024 * 1024 },
    poison: { topic: "{topic}.dead-letter", maxShare: 0.2, window: 1_000 },
  });
  expect(definitions.notices).toEqual([]);
  expect(definitions.budgets).toEqual(
    new Map([
      ["lookup", { p99Ms: 10, aimMs: 5, requestsPerSecond: undefined }],
      ["predict", { p99Ms: 50, aimMs: undefined, requestsPerSecond: 1000 }],
    ]),
  );
  const view = findView(definitions, "churn_features");
  expect(view).toMatchObject({
    description: "",
    owner: "",
    tags: {},
    place: "/srv/churn/feature_store.yaml:10:5",
    joinKeys: [{ name: "customer_id", type: "int64" }],
    ttl: 30 * DAY,
    onlineTtl: 60 * DAY,
    keepStale: 3_600_000_000,
    maxFuture: 3_600_000_000,
    tombstoneRetention: 30 * DAY,
    partialRows: "refuse",
    timeUnit: undefined,
    pushSource: "churn_push",
    freshness: 60_000_000,
  });
  expect(view.features.map(({ name, type, index, default: value }) => [name, type, index, value])).toEqual([
    ["tenure_months", "float32", 0, 0],
    ["contract_type", "string", 1, undefined],
  ]);
  expect(view.featureByName.get("contract_type")).toBe(view.features[1]);
  expect(view.source).toEqual({
    path: "churn_features/*.parquet",
    timestampField: "event_timestamp",
    createdTimestampColumn: "created",
    createdMeans: "arrival",
    tombstoneColumn: undefined,
    tenantColumn: undefined,
    fieldMapping: new Map(),
    hivePartitions: new Map(),
    place: "/srv/churn/feature_store.yaml:19:13",
  });
  expect(view.stream).toEqual({
    topicNames: ["churn-features"],
    topics: ["churn-features"],
    tenantOfTopic: new Map(),
    format: "json",
    descriptorSet: undefined,
    message: undefined,
    eventTime: { from: "payload", path: ["event_timestamp"] },
    createdTime: { from: "payload", path: ["created"] },
    joinKeysFrom: "payload",
    tenantField: undefined,
    fieldMapping: new Map(),
    recordLimit: 10_000_000,
    place: "/srv/churn/feature_store.yaml:21:13",
  });
  const service = definitions.services.get("churn_v1");
  expect(service?.features.map((ref) => `${ref.viewName}:${ref.feature.name}`)).toEqual([
    "churn_features:tenure_months",
    "churn_features:contract_type",
  ]);
  const model = definitions.models.get("churn");
  expect(model?.path).toBe("/srv/churn/models/churn.onnx");
  expect(model?.featureService).toBe(service);
  expect(model?.inputs.get("contract")?.features).toEqual([{ kind: "stored", ref: service?.features[1] }]);
  expect(model?.predictions).toEqual([{ name: "churn_probability", output: "probabilities", index: 1 }]);
  expect(model?.requestFeatures).toEqual([]);
  expect(model?.onMissing).toBe("reject");
  expect(model?.onStoreFailure).toEqual({ policy: "stale", maxAge: 3_600_000_000, otherwise: "fail" });
  expect(definitions.tenants.get("acme")).toEqual({
    name: "acme",
    ttl: new Map([["churn_features", 7 * DAY]]),
    maxBytes: 200_000_000,
    onFull: "refuse",
    requestsPerSecond: 500,
  });
  expect(definitions.pushSources.get("churn_push")).toEqual([view]);
  expect(definitions.onlineTtl(view, "acme")).toBe(7 * DAY);
  expect(definitions.onlineTtl(view, "default")).toBe(60 * DAY);
});

test("the smallest file gets every default", () => {
  const definitions = parseDefinitions("project: p\n", { file: "dir/feature_store.yaml" });
  expect(definitions.file).toBe(resolve("dir/feature_store.yaml"));
  expect(definitions.onlineStore).toEqual({
    type: "sqlite",
    path: resolve("dir/.larder/online.db"),
    readDeadlineMs: 50,
    writeDeadlineMs: 500,
  });
  expect(definitions.offlineStore.path).toBe(resolve("dir"));
  expect([...definitions.tenants.keys()]).toEqual(["default"]);
  expect(definitions.server).toEqual({
    host: "127.0.0.1",
    port: 6566,
    modelThreads: 1,
    modelQueue: 64,
    auth: undefined,
    tls: undefined,
    maxInFlight: 256,
    bodyLimitBytes: 8 * 1024 * 1024,
    maxRows: 10_000,
    jsonDepth: 32,
    headerLimitBytes: 16 * 1024,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    drainDelayMs: 0,
    accessLogSample: undefined,
    servedLog: undefined,
    historical: {
      maxJoins: 1,
      maxRows: 1_000_000,
      bodyLimitBytes: 64 * 1024 * 1024,
      deadlineMs: 300_000,
      memoryLimitBytes: 1024 ** 3,
      spillLimitBytes: 10_000_000_000,
    },
    strictFeast: false,
  });
  expect(definitions.budgets.size + definitions.views.size + definitions.models.size).toBe(0);
});

test("a view without more than it needs gets every default", () => {
  const view = findView(parseDefinitions(SHOP), "orders");
  expect(view).toMatchObject({
    ttl: undefined,
    onlineTtl: undefined,
    keepStale: 3_600_000_000,
    maxFuture: 3_600_000_000,
    tombstoneRetention: 30 * DAY,
    partialRows: "refuse",
    timeUnit: undefined,
    source: undefined,
    pushSource: "orders",
    freshness: undefined,
  });
  expect(view.joinKeys.map(({ name }) => name)).toEqual(["customer_id", "country", "city"]);
  expect(view.stream).toMatchObject({ topics: ["orders"], createdTime: undefined });
});

test("redis keeps its connection string; its deadlines are milliseconds", () => {
  const store =
    '{ type: redis, connection_string: "h:1,password=p", layout: packed, gather: pipeline, deadline: 20ms }';
  const { onlineStore, onFailure } = parseDefinitions(`project: p\nonline_store: ${store}\n`);
  expect(onlineStore).toEqual({
    type: "redis",
    connectionString: "h:1,password=p",
    redisType: "redis",
    sentinelMaster: "mymaster",
    folder: resolve("."),
    layout: "packed",
    gather: "pipeline",
    readDeadlineMs: 20,
    writeDeadlineMs: 500,
  });
  expect(onFailure).toBe("fail");
});

test("redis may be a cluster, or behind Sentinels that know it by a name", () => {
  const storeOf = (keys: string) =>
    parseDefinitions(`project: p\nonline_store: { type: redis, layout: packed, ${keys} }\n`).onlineStore;
  expect(storeOf("redis_type: redis_cluster")).toMatchObject({ redisType: "redis_cluster" });
  expect(storeOf("redis_type: redis_sentinel, sentinel_master: fs")).toMatchObject({
    redisType: "redis_sentinel",
    sentinelMaster: "fs",
  });
});

test("0 and none are no limit; online_ttl follows ttl unless it is given", () => {
  const ttlOf = (lines: string) => {
    const { ttl, onlineTtl } = findView(parseDefinitions(shopWith("ttl: 30d", lines)), "profile");
    return [ttl, onlineTtl];
  };
  expect(ttlOf("ttl: 30d")).toEqual([30 * DAY, 30 * DAY]);
  expect(ttlOf("ttl: 0")).toEqual([undefined, undefined]);
  expect(ttlOf('ttl: "0"')).toEqual([undefined, undefined]);
  expect(ttlOf("ttl: 0s")).toEqual([undefined, undefined]);
  expect(ttlOf("ttl: 30d\n    online_ttl: none")).toEqual([30 * DAY, undefined]);
  expect(ttlOf("online_ttl: 90s")).toEqual([undefined, 90_000_000]);
});

test("a projection brings all features of its view, or some, under an alias and other columns", () => {
  const text = shopWith(
    '"profile:plan", { view: orders, features: [count] }',
    "{ view: orders, name_alias: home, join_key_map: { city: home_city, country: country } }",
  );
  const refs = parseDefinitions(text).services.get("shop_v1")?.features ?? [];
  expect(refs.map((ref) => [ref.viewName, ref.view.name, ref.feature.name, [...ref.joinKeyMap]])).toEqual([
    ["profile", "profile", "age", []],
    ["home", "orders", "count", [["city", "home_city"]]],
    ["home", "orders", "amounts", [["city", "home_city"]]],
  ]);
});

test("the same view twice under two aliases is the use of aliases", () => {
  const twice =
    "{ view: profile, name_alias: buyer, features: [plan] }, { view: profile, name_alias: seller, join_key_map: { customer_id: seller_id }, features: [plan] }";
  const refs = parseDefinitions(shopWith('"profile:plan", { view: orders, features: [count] }', twice)).services;
  expect(refs.get("shop_v1")?.features.map((ref) => `${ref.viewName}:${ref.feature.name}`)).toEqual([
    "profile:age",
    "buyer:plan",
    "seller:plan",
  ]);
});

test("on_missing is a word, or a map of default and features", () => {
  const modelWith = (line: string) =>
    parseDefinitions(shopWith("    path: churn.onnx", `    path: churn.onnx\n    on_missing: ${line}`)).models.get(
      "churn",
    );
  expect(modelWith("nan")).toMatchObject({ onMissing: "nan", onMissingByFeature: new Map() });
  expect(modelWith('{ default: default, "profile:age": nan, "profile:plan": reject }')).toMatchObject({
    onMissing: "default",
    onMissingByFeature: new Map([
      ["profile:age", "nan"],
      ["profile:plan", "reject"],
    ]),
  });
  expect(modelWith('{ "profile:age": nan }')?.onMissing).toBe("reject");
});

test("a model answers under its own name, and fails with the store, unless told otherwise", () => {
  const model = parseDefinitions(SHOP).models.get("churn");
  expect(model?.predictions.map(({ name }) => name)).toEqual(["churn"]);
  const several = parseDefinitions(
    shopWith(
      "{ output: probabilities, index: 1 }",
      "[{ output: label }, { name: p, output: probabilities, index: 1 }]",
    ),
  );
  expect(several.models.get("churn")?.predictions).toEqual([
    { name: "label", output: "label", index: undefined },
    { name: "p", output: "probabilities", index: 1 },
  ]);
  expect(model?.onStoreFailure).toEqual({ policy: "fail" });
  const stale = shopWith("    path: churn.onnx", "    path: churn.onnx\n    on_store_failure: { policy: stale }");
  expect(parseDefinitions(stale).models.get("churn")?.onStoreFailure).toEqual({
    policy: "stale",
    maxAge: 3_600_000_000,
    otherwise: "fail",
  });
});

test("a default is checked and kept in its feature's representation", () => {
  const defaultOf = (type: string, value: string) => {
    const text = shopWith("{ name: plan, type: string }", `{ name: plan, type: "${type}", default: ${value} }`);
    return findView(parseDefinitions(text), "profile").featureByName.get("plan")?.default;
  };
  expect(defaultOf("int64", "9007199254740993")).toBe(9007199254740993n);
  expect(defaultOf("int64", "3")).toBe(3n);
  expect(defaultOf("float32", "0.1")).toBe(Math.fround(0.1));
  expect(defaultOf("float64", ".nan")).toBeNaN();
  expect(defaultOf("bool", "false")).toBe(false);
  expect(defaultOf("string", '""')).toBe("");
  expect(defaultOf("string", "plain text")).toBe("plain text");
  expect(defaultOf("bytes", "aGk=")).toEqual(new Uint8Array([104, 105]));
  expect(defaultOf("list<string>", "[a, b]")).toEqual(["a", "b"]);
  expect(defaultOf("list<int64>", "[]")).toEqual([]);
});

test("views that share a push source are fed together, in the order of the file", () => {
  const text = shopWith("    ttl: 30d", "    ttl: 30d\n    push_source: orders");
  expect(
    parseDefinitions(text)
      .pushSources.get("orders")
      ?.map(({ name }) => name),
  ).toEqual(["profile", "orders"]);
});

test("descriptions, owners and tags are kept; they are allowed everywhere", () => {
  const text = shopWith(
    "{ name: plan, type: string }",
    "{ name: plan, type: string, owner: team, tags: { pii: 'no' } }",
  )
    .replace("project: shop", "project: shop\ndescription: A shop\ntags: { tier: gold }")
    .replace("{ type: memory }", "{ type: memory, description: trial }")
    .replace("acme: {", "acme: { description: first customer,");
  const plan = findView(parseDefinitions(text), "profile").featureByName.get("plan");
  expect([plan?.description, plan?.owner, plan?.tags]).toEqual(["", "team", { pii: "no" }]);
});

test("tenants may have any text as a name, also one that objects have already", () => {
  const long = "é".repeat(100);
  const text = shopWith("acme:", `"__proto__": {}\n  constructor: {}\n  "a:b {*}\\0\\n😀": {}\n  ${long}: {}\n  acme:`);
  expect([...parseDefinitions(text).tenants.keys()]).toEqual([
    "default",
    "__proto__",
    "constructor",
    "a:b {*}\0\n😀",
    long,
    "acme",
  ]);
});

test("object stores keep their address, other paths count from the file's folder", () => {
  const pathOf = (path: string) =>
    parseDefinitions(`project: p\noffline_store: { type: duckdb, path: "${path}" }\n`, { file: "/a/b/f.yaml" })
      .offlineStore.path;
  expect(pathOf("s3://bucket/prefix")).toBe("s3://bucket/prefix");
  expect(pathOf("../data")).toBe("/a/data");
  expect(pathOf("/data")).toBe("/data");
});

test("S3: what an endpoint and a key imply, and half of a key", () => {
  const s3Of = (s3: string) =>
    parseDefinitions(`project: p\noffline_store: { type: duckdb, path: "s3://lake", s3: ${s3} }\n`, {
      file: "/a/b/f.yaml",
      env: { SECRET: "hidden" },
    }).offlineStore.s3;
  expect(s3Of("{}")).toEqual({
    endpoint: undefined,
    region: undefined,
    pathStyle: false,
    credentials: undefined,
    reader: "auto",
    httpfsExtension: undefined,
    cachePath: "/a/b/.larder/s3",
    cacheMaxBytes: 10 * 2 ** 30,
    concurrency: 8,
    timeoutMs: 10_000,
    deadlineMs: 60_000,
  });
  const own = `{ endpoint: "http://127.0.0.1:9000", access_key_id: a, secret_access_key: "\${SECRET}", cache_path: ../c }`;
  expect(s3Of(own)).toMatchObject({
    region: "us-east-1",
    pathStyle: true,
    credentials: { accessKeyId: "a", secretAccessKey: "hidden", sessionToken: undefined },
    cachePath: "/a/c",
  });
  expect(() => s3Of('{ access_key_id: "a" }')).toThrow("half of a key");
  expect(() => s3Of('{ session_token: "a" }')).toThrow("half of a key");
  for (const endpoint of ["lake:9000", "ftp://lake", "http://user:key@lake", "http://lake/path"]) {
    expect(() => s3Of(`{ endpoint: "${endpoint}" }`)).toThrow("is no address of a server");
  }
});

test("definitions cannot be changed", () => {
  const definitions = parseDefinitions(SHOP);
  const views = definitions.views as Map<string, unknown>;
  expect(() => views.set("x", 1)).toThrow("Definitions are immutable");
  expect(() => views.delete("profile")).toThrow("Definitions are immutable");
  expect(() => views.clear()).toThrow("Definitions are immutable");
  const open: string[] = [];
  collectOpen(definitions, "definitions", open, new Set());
  expect(open).toEqual([]);
});

function collectOpen(value: unknown, path: string, open: string[], seen: Set<unknown>): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  if (!Object.isFrozen(value)) open.push(path);
  const inner = value instanceof Map ? [...value] : Object.entries(value as Record<string, unknown>);
  for (const [key, each] of inner) collectOpen(each, `${path}.${String(key)}`, open, seen);
}

test("the hash follows the meaning and nothing else", () => {
  const hashOf = (text: string, file = "feature_store.yaml") => parseDefinitions(text, { file }).hash;
  const base = hashOf(SHOP);
  expect(base).toMatch(/^[0-9a-f]{64}$/);
  const same: readonly [string, string][] = [
    ["project: shop", "# a comment\nproject: shop"],
    ["{ type: memory }", '{ type: redis, connection_string: "h:1" }'],
    ["ttl: 30d", "ttl: 720h"],
    ["ttl: 30d", "ttl: 30d\n    description: words\n    owner: me\n    tags: { a: b }"],
    ["{ name: plan, type: string }", "{ type: string, name: plan }"],
    ["acme: { ttl", "acme: { max_bytes: 1MB, ttl"],
    ["    ttl: 30d", "    ttl: 30d\n    long_tail: true"],
    ["tenants:\n", "server: { port: 1 }\ntenants:\n"],
    ["    ttl: 30d", "    ttl: 30d\n    max_future: 60m"],
  ];
  for (const [from, to] of same) expect([from, hashOf(shopWith(from, to))]).toEqual([from, base]);
  expect(hashOf(SHOP, "/elsewhere/other.yaml")).toBe(base);
  const different: readonly [string, string][] = [
    ["project: shop", "project: shop2"],
    ["ttl: 30d", "ttl: 31d"],
    ["{ name: plan, type: string }", "{ name: plan, type: bytes }"],
    ["default: 0", "default: 1"],
    ['"profile:age", "profile:plan"', '"profile:plan", "profile:age"'],
    ["path: churn.onnx", "path: churn2.onnx"],
    ["profile: 7d", "profile: 8d"],
    ["{ path: profile/*.parquet }", "{ path: other/*.parquet }"],
    ["topic: orders", "topic: orders2"],
    ["name: city, type: string", "name: city, type: bytes"],
    ["index: 1", "index: 0"],
  ];
  const hashes = different.map(([from, to]) => hashOf(shopWith(from, to)));
  expect(new Set([base, ...hashes]).size).toBe(different.length + 1);
});

test("a model's request features feed its inputs by their bare names", () => {
  const yaml = shopWith(
    '    inputs: { age_in: "profile:age" }',
    `    request_features:
      - { name: amount, type: int64, default: "9007199254740993" }
      - { name: vector, type: list<float32> }
    inputs: { age_in: ["profile:age", amount] }`,
  );
  const model = parseDefinitions(yaml).models.get("churn");
  expect(model?.requestFeatures).toMatchObject([
    { name: "amount", type: "int64", default: 9007199254740993n },
    { name: "vector", type: "list<float32>", default: undefined },
  ]);
  expect(model?.inputs.get("age_in")?.features).toMatchObject([
    { kind: "stored", ref: { viewName: "profile" } },
    { kind: "request", feature: { name: "amount" } },
  ]);
});
