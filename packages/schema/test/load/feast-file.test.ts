import { resolve } from "node:path";
import { parseDefinitions } from "@larder/schema";
import { expect, test } from "vitest";

test("a Feast file is taken: what means something is used, the rest is listed with the reason", () => {
  const definitions = parseDefinitions(
    `project: telco
project_description: Customers
provider: local
registry:
  registry_type: file
  path: registry.db
online_store:
  type: redis
  redis_type: redis
  connection_string: "127.0.0.1:\${PORT},db=1"
  key_ttl_seconds: 604800
  skip_dedup: false
  layout: packed
offline_store:
  type: bigquery
  dataset: d
entity_key_serialization_version: 3
auth: { type: oidc }
something_else: 1
`,
    { file: "f.yaml", env: { PORT: "6379" } },
  );
  expect(definitions.onlineStore).toMatchObject({
    type: "redis",
    connectionString: "127.0.0.1:6379,db=1",
    layout: "packed",
  });
  expect(definitions.offlineStore).toMatchObject({ type: "duckdb", path: resolve(".") });
  expect(definitions.notices).toEqual([
    { place: "f.yaml:3:1", field: "provider", what: "is ignored: Larder runs where it is started" },
    {
      place: "f.yaml:4:1",
      field: "registry",
      what: "is ignored: definitions are read from this file, not from a registry",
    },
    {
      place: "f.yaml:11:3",
      field: "online_store.key_ttl_seconds",
      what: "is ignored: rows expire by their view's online_ttl",
    },
    { place: "f.yaml:12:3", field: "online_store.skip_dedup", what: "is ignored: the newest row always wins" },
    {
      place: "f.yaml:15:3",
      field: "offline_store",
      what: '"bigquery" is not used: Larder reads Parquet files with DuckDB',
    },
    {
      place: "f.yaml:17:1",
      field: "entity_key_serialization_version",
      what: "is ignored: Larder's packed rows have keys of their own",
    },
    { place: "f.yaml:18:1", field: "auth", what: "is ignored: Larder's own authentication is under server.auth" },
    {
      place: "f.yaml:19:1",
      field: "something_else",
      what: "is ignored: neither Larder nor this version's list of Feast's keys knows it",
    },
  ]);
});

test("Feast's shapes of a store: a word, nothing, SQLite with options of its own", () => {
  const parse = (lines: string) => parseDefinitions(`project: p\nprovider: local\n${lines}\n`);
  expect(parse("").onlineStore.type).toBe("sqlite");
  expect(parse("online_store: sqlite").onlineStore.type).toBe("sqlite");
  expect(parse("offline_store: null").offlineStore.path).toBe(resolve("."));
  expect(parse("offline_store: file").offlineStore.type).toBe("duckdb");
  const sqlite = parse("online_store: { type: sqlite, path: data/online.db, vector_enabled: true }");
  expect(sqlite.onlineStore).toMatchObject({ type: "sqlite", path: resolve("data/online.db") });
  expect(sqlite.notices.map(({ field }) => field)).toEqual(["provider", "online_store", "online_store.vector_enabled"]);
});

test("layout feast is taken with Feast's own words for its keys and their life", () => {
  const feast = (lines: string, options: string) =>
    parseDefinitions(`project: p\nregistry: r.db\n${lines}online_store: { type: redis, layout: feast${options} }\n`);
  const given = feast("entity_key_serialization_version: 2\n", ", key_ttl_seconds: 604800, skip_dedup: true");
  expect(given.onlineStore).toMatchObject({ layout: "feast", entityKeyVersion: 2, keyTtlSeconds: 604_800 });
  expect(given.notices.map(({ field }) => field)).toEqual(["registry", "online_store.skip_dedup"]);
  expect(feast("", "").onlineStore).toMatchObject({ entityKeyVersion: 3, keyTtlSeconds: undefined });
});

test("a file of Larder's own may share Feast's rows, too", () => {
  const text =
    "project: p\nentity_key_serialization_version: 2\nonline_store: { type: redis, layout: feast, key_ttl_seconds: 60 }\n";
  expect(parseDefinitions(text).onlineStore).toEqual({
    type: "redis",
    connectionString: "localhost:6379",
    redisType: "redis",
    sentinelMaster: "mymaster",
    folder: resolve("."),
    layout: "feast",
    gather: "script",
    entityKeyVersion: 2,
    keyTtlSeconds: 60,
    readDeadlineMs: 50,
    writeDeadlineMs: 500,
  });
});

test("definitions beside Feast's keys are definitions", () => {
  const definitions = parseDefinitions(
    "project: p\nregistry: r.db\nonline_store: sqlite\nentities: [{ name: e, join_keys: [{ name: id, type: int64 }] }]\n",
  );
  expect([...definitions.entities.keys()]).toEqual(["e"]);
});

test("a dollar sign stays where Feast would leave it too", () => {
  const text =
    'project: p\nregistry: r.db\nonline_store: { type: redis, layout: feast, connection_string: "h:1,password=pa$word" }\n';
  expect(parseDefinitions(text, { env: {} }).onlineStore).toMatchObject({ connectionString: "h:1,password=pa$word" });
  expect(() => parseDefinitions(text, { env: { word: "x" } })).toThrow(
    "has $word, which Feast expands and Larder does not",
  );
});
