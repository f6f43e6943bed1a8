import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { isLarderError, loadDefinitions } from "@larder/schema";
import { propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { type ImportFeastOptions, importFeast } from "../../src/import-feast/import-feast.ts";
import { file_registry, RegistrySchema } from "../../src/import-feast/protos/registry_pb.ts";
import { plainTerminal } from "../cli/plain-terminal.ts";
import { golden } from "./golden.ts";

const DAY = 86_400_000_000;

/** Imports into a folder of its own, and loads what was written. */
async function imported(options: Partial<ImportFeastOptions> = {}) {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "feature_store.yaml");
  const env = options.env ?? {};
  const report = await importFeast({
    from: golden("registry.db"),
    out,
    env,
    connectionString: "redis:6379",
    ...options,
  });
  return { report, text: await readFile(out, "utf8"), definitions: await loadDefinitions(out, { env }) };
}

const everything = () => imported({ from: golden("everything.db"), project: "everything" });

test("a registry becomes definitions: types, keys, TTLs, sources, push sources and services, with nothing to say about them", async () => {
  const { definitions, report, text } = await imported();
  expect(report).toMatchObject({ project: "telco", entities: 2, feature_views: 2, feature_services: 2, notes: [] });
  expect(definitions.onlineStore).toMatchObject({
    type: "redis",
    connectionString: "redis:6379",
    layout: "feast",
    entityKeyVersion: 3,
  });
  const [churn, usage] = [...definitions.views.values()];
  expect(Object.fromEntries(churn?.features.map(({ name, type }) => [name, type]) ?? [])).toEqual({
    tenure_months: "int64",
    monthly_charges: "float64",
    total_charges: "float64",
    contract: "string",
    payment_method: "string",
    internet_service: "string",
    senior_citizen: "bool",
    partner: "bool",
    paperless_billing: "bool",
    num_services: "int32",
    charge_ratio: "float32",
    last_contact: "unix_timestamp",
    addons: "list<string>",
    avatar: "bytes",
  });
  expect(churn).toMatchObject({
    joinKeys: [{ name: "customer_id", type: "int64" }],
    ttl: 365 * DAY,
    onlineTtl: undefined,
    pushSource: "churn_push",
    source: {
      path: "/srv/telco/data/churn.parquet",
      timestampField: "event_timestamp",
      createdTimestampColumn: "created",
    },
  });
  expect(usage).toMatchObject({
    ttl: 30 * DAY,
    joinKeys: [{ name: "customer_id" }, { name: "product_code", type: "string" }],
  });
  const service = definitions.services.get("churn_model_v2");
  expect(service?.features.map(({ viewName, feature }) => `${viewName}:${feature.name}`)).toEqual([
    "churn_features:tenure_months",
    "churn_features:contract",
    "usage_features:minutes_7d",
    "usage_features:sessions_7d",
  ]);
  expect(text.split("\n").slice(1, 4)).toEqual(["# From registry.db, project telco.", "", "project: telco"]);
});

test("every type, alias, join key map, stream, mapping and word is carried over, text as it stands in Feast", async () => {
  const { definitions } = await everything();
  const views = definitions.views;
  expect(views.get("all_types")?.features.map(({ type }) => type)).toEqual([
    ...["int32", "int64", "float32", "float64", "bool", "string", "bytes", "unix_timestamp"],
    ...["int32", "int64", "float32", "float64", "bool", "string", "bytes", "unix_timestamp"].map(
      (type) => `list<${type}>`,
    ),
  ]);
  expect(views.get("amounts")).toMatchObject({
    description: 'What $\u007bsomebody} spent: yes, "a lot"\nand more',
    owner: "orders@example.com",
    tags: { tier: "no", on: "010", time: "12:30" },
    ttl: 2 * DAY + 5,
    pushSource: "orders_push",
    features: [{ name: "amount", description: "In euro", tags: { unit: "€" } }, { name: "count" }],
    source: { fieldMapping: new Map([["AMT", "amount"]]) },
  });
  expect(definitions.pushSources.get("orders_push")?.map(({ name }) => name)).toEqual(["amounts", "twins"]);
  expect(views.get("lone")?.joinKeys).toEqual([]);
  expect(views.get("clicks")).toMatchObject({
    stream: { topics: ["clicks_stream-topic"], eventTime: { from: "payload", path: ["event_timestamp"] } },
  });
  expect(definitions.stream?.brokers).toEqual(["k1:9092", "k2:9092"]);
  expect(definitions.entities.get("customer")).toMatchObject({ description: "Who pays", tags: { a: "1", b: "2" } });
  const journey = definitions.services
    .get("journey")
    ?.features.map(({ viewName, joinKeyMap }) => [viewName, ...joinKeyMap]);
  expect(journey).toEqual([
    ["sender", ["customer_id", "sender_id"]],
    ["sender", ["customer_id", "sender_id"]],
    ["receiver", ["customer_id", "receiver_id"]],
    ["receiver", ["customer_id", "receiver_id"]],
    ["warehouse"],
  ]);
  expect(
    definitions.services.get("same_names")?.features.map(({ viewName, feature }) => [viewName, feature.name]),
  ).toEqual([
    ["amounts", "amount"],
    ["amounts", "count"],
    ["twins", "count"],
    ["twins", "visits"],
  ]);
});

test("what cannot be carried over is listed with its reason, as the result and in the file", async () => {
  const { report, text } = await everything();
  const list = report.notes.map(({ kind, subject }) => `${kind} ${subject}`).sort();
  expect(list).toEqual([
    'changed feature "warehouse:vector"',
    'changed feature view "unserved"',
    'changed push source "orders_push"',
    'changed stream source "clicks_stream"',
    'left_out batch source "bq"',
    'left_out data source "basket"',
    'left_out data source "unread"',
    'left_out feature "maps:only"',
    'left_out feature "odd_types:a_json"',
    'left_out feature "odd_types:a_json" of feature service "plain"',
    'left_out feature "odd_types:a_map"',
    'left_out feature "odd_types:a_map" of feature service "plain"',
    'left_out feature "odd_types:a_set"',
    'left_out feature "odd_types:a_set" of feature service "plain"',
    'left_out feature "odd_types:an_id"',
    'left_out feature "odd_types:an_id" of feature service "plain"',
    'left_out feature service "only_computed"',
    'left_out feature view "maps"',
    'left_out feature view "shares" in feature service "computed"',
    'left_out feature view "shares" in feature service "only_computed"',
    'left_out on-demand feature view "shares"',
    'left_out project "elsewhere"',
    'left_out sources of feature view "counted"',
    'left_out stream source "avro_stream"',
  ]);
  for (const { subject, reason } of report.notes) {
    expect(reason.length).toBeGreaterThan(5);
    expect(text).toContain(`# - ${subject}: ${reason}\n`);
  }
});

test("of several projects one is named; the same registry gives the same bytes", async () => {
  const from = golden("everything.db");
  const refused = { code: "INVALID_REQUEST", message: expect.stringContaining('"everything", "elsewhere"') };
  await expect(imported({ from })).rejects.toMatchObject(refused);
  await expect(imported({ from, project: "nobody" })).rejects.toMatchObject(refused);
  const { definitions } = await imported({ from, project: "elsewhere" });
  expect([...definitions.views.keys()]).toEqual(["amounts"]);
  expect((await everything()).text).toBe((await everything()).text);
});

test("a Feast repository says where its registry and its Redis are; variables stay variables", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "registry.db"), await readFile(golden("registry.db")));
  const write = (online: string, more = "") =>
    writeFile(
      join(folder.path, "feature_store.yaml"),
      `project: telco\nprovider: local\nregistry: { path: "$STATE/registry.db" }\nonline_store: ${online}\n${more}`,
    );
  const env = { STATE: ".", PORT: "6390", PASSWORD: "a,b" };
  const load = () => imported({ from: folder.path, env, connectionString: undefined });

  await write(
    '{ type: redis, connection_string: "h:$PORT,password=$\u007bPASSWORD},x=$UNSET", key_ttl_seconds: 60, skip_dedup: true }',
  );
  const { text, definitions, report } = await load();
  expect(text).toContain('connection_string: "h:$\u007bPORT},password=$\u007bPASSWORD},x=$UNSET"');
  expect(definitions.onlineStore).toMatchObject({
    keyTtlSeconds: 60,
    connectionString: "h:6390,password=a,b,x=$UNSET",
  });
  expect(definitions.offlineStore.path).toBe(folder.path);
  expect(report.notes.map(({ reason }) => reason)).toEqual(['loses "skip_dedup", which is no key here']);

  await write("{ type: redis, connection_string: 'h:1' }", "entity_key_serialization_version: 2\n");
  expect((await load()).definitions.onlineStore).toMatchObject({ layout: "feast", entityKeyVersion: 2 });
  await write("{ type: redis, redis_type: redis_cluster, connection_string: 'h:1,h:2', key_ttl_seconds: 5 }");
  const cluster = await load();
  expect(cluster.definitions.onlineStore).toMatchObject({ layout: "feast", redisType: "redis_cluster" });
  expect(cluster.report.notes).toEqual([]);
  await write("{ type: redis, connection_string: 'h:1', key_ttl_seconds: 5 }", "entity_key_serialization_version: 1\n");
  const old = await load();
  expect(old.definitions.onlineStore).toMatchObject({ layout: "packed" });
  expect(old.report.notes).toMatchObject([{ kind: "changed", subject: "online store" }]);
  await write("{ type: dynamodb, region: x }");
  const other = await load();
  expect(other.definitions.onlineStore.type).toBe("sqlite");
  expect(other.report.notes).toMatchObject([{ reason: expect.stringContaining("dynamodb") }]);
  await writeFile(
    join(folder.path, "feature_store.yaml"),
    "project: telco\nregistry: { registry_type: sql, path: 'postgresql://x' }\n",
  );
  await expect(load()).rejects.toMatchObject({ code: "UNSUPPORTED" });
  for (const bad of ["[".repeat(20_000), "- a", "\xff: [", "project: telco"]) {
    await writeFile(join(folder.path, "feature_store.yaml"), bad, "latin1");
    await expect(load()).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
  }
});

test("a file that was changed since, or is someone's own, is overwritten only when that is confirmed", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "feature_store.yaml");
  const run = async (...more: string[]) => {
    const terminal = plainTerminal(undefined, folder.path);
    const code = await runCli(["import-feast", golden("registry.db"), "--out", out, "--json", ...more], terminal);
    return { code, value: JSON.parse(terminal.said) };
  };
  const refused = { code: 2, value: { error: { code: "CONFIRMATION_REQUIRED" } } };
  expect(await run()).toMatchObject({
    code: 0,
    value: { out, project: "telco", notes: [{ subject: "online store" }] },
  });
  const text = await readFile(out, "utf8");
  expect((await run()).code).toBe(0);
  await writeFile(out, text.replaceAll("\n", "\r\n"));
  expect((await run()).code).toBe(0);
  for (const mine of ["project: mine\n", text.replace("365d", "30d")]) {
    await writeFile(out, mine);
    expect(await run()).toMatchObject(refused);
    expect(await readFile(out, "utf8")).toBe(mine);
  }
  expect((await run("--yes")).code).toBe(0);
  expect(await readFile(out, "utf8")).toBe(text);
  expect(await run("--out", join(folder.path, "no", "x.yaml"))).toMatchObject({
    code: 1,
    value: { error: { code: "OUTPUT_UNWRITABLE" } },
  });
});

test("bytes that are no registry are a coded error, and nothing is written", async () => {
  await using folder = await temporaryFolder();
  const from = join(folder.path, "registry.db");
  const whole = await readFile(golden("registry.db"));
  let deep = Buffer.alloc(0);
  // Field 12 of a registry, data_sources, and in it field 26, batch_source, in field 26 …
  for (let i = 0; i < 3_000; i++) deep = Buffer.concat([Buffer.from([0xd2, 0x01]), varint(deep.length), deep]);
  const hostile = {
    empty: Buffer.alloc(0),
    text: Buffer.from("project: telco\n"),
    json: Buffer.from('{"project": "telco"}'),
    zeros: Buffer.alloc(100),
    deep: Buffer.concat([Buffer.from([0x62]), varint(deep.length), deep, whole]),
    groups: Buffer.concat([Buffer.alloc(100_000, 0xf3), whole]),
    long: Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x00]),
    version: Buffer.concat([whole, Buffer.from([0x1a, 0x01, 0x32])]),
  };
  const refused = { code: "CONFIG_UNREADABLE" };
  for (const [name, bytes] of Object.entries(hostile)) {
    await writeFile(from, bytes);
    await expect(imported({ from }), name).rejects.toMatchObject(refused);
  }
  await truncate(from, 32 * 1024 * 1024 + 1);
  await expect(imported({ from })).rejects.toMatchObject(refused);
  await expect(imported({ from: join(folder.path, "none") })).rejects.toMatchObject(refused);
  await expect(imported({ from: folder.path })).rejects.toMatchObject(refused);
});

test("any cut or change of a registry's bytes gives a valid file or a coded error", async () => {
  await using folder = await temporaryFolder();
  const from = join(folder.path, "registry.db");
  const whole = [await readFile(golden("registry.db")), await readFile(golden("everything.db"))];
  const cut = fc.record({
    which: fc.nat(1),
    keep: fc.nat(30_000),
    changes: fc.array(fc.tuple(fc.nat(30_000), fc.nat(255)), { maxLength: 4 }),
  });
  let written = 0;
  await fc.assert(
    fc.asyncProperty(cut, async ({ which, keep, changes }) => {
      const bytes = Buffer.from((whole[which] as Buffer).subarray(0, changes.length === 0 ? keep : undefined));
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      await writeFile(from, bytes);
      try {
        await imported({ from, ...(which === 0 ? {} : { project: "everything" }) });
        written++;
      } catch (error) {
        if (!isLarderError(error, "CONFIG_UNREADABLE", "CONFIG_INVALID", "INVALID_REQUEST")) throw error;
      }
    }),
    propertySettings(60),
  );
  expect(written).toBeGreaterThan(0);
});

test("what Larder's loader refuses is left out with its reason, and a newer Feast's fields are named", async () => {
  await using folder = await temporaryFolder();
  const from = join(folder.path, "registry.db");
  const project = "p";
  const [int64, string] = [4, 2];
  const key = { name: "id", valueType: int64 };
  const view = (name: string, features: string[], more = {}) => ({
    spec: {
      ...{ name, project, entities: ["thing"], entityColumns: [key], online: true, ...more },
      features: features.map((feature) => ({ name: feature, valueType: int64 })),
    },
  });
  const registry = create(RegistrySchema, {
    registrySchemaVersion: "1",
    projects: [{ spec: { name: project } }],
    entities: [
      { spec: { name: "thing", project, joinKey: "id", valueType: int64 } },
      { spec: { name: "other", project, joinKey: "event_timestamp", valueType: string } },
    ],
    featureViews: [
      view("good", ["a", "event_timestamp"], {
        batchSource: { type: 1, name: "s", timestampField: "a", fileOptions: { uri: "s.parquet" } },
        ttl: { seconds: -5n },
      }),
      view("a:b", ["a"]),
      view("bare", ["created"]),
      view("stuck", ["a"], { entities: ["other"], entityColumns: [{ name: "event_timestamp", valueType: string }] }),
      view("asleep", ["a"], { disabled: true }),
      view("mixed", ["a"], { entityColumns: [{ name: "id", valueType: string }] }),
    ],
    featureServices: [
      {
        spec: {
          name: "all",
          project,
          features: ["good", "bare", "stuck", "asleep", "gone"].map((featureViewName) => ({
            featureViewName,
            featureColumns: [{ name: "a" }, { name: "event_timestamp" }],
          })),
        },
      },
    ],
  });
  // Field 100 of a registry: "x".
  await writeFile(from, Buffer.concat([toBinary(RegistrySchema, registry), Buffer.from([0xa2, 0x06, 0x01, 0x78])]));
  const { definitions, report } = await imported({ from });
  const views = [...definitions.views.values()];
  expect(views.map(({ name, features }) => [name, features.map((feature) => feature.name)])).toEqual([["good", ["a"]]]);
  expect(views[0]).toMatchObject({ source: undefined, ttl: undefined });
  expect(definitions.services.get("all")?.features.map(({ viewName }) => viewName)).toEqual(["good"]);
  const notes = new Map(report.notes.map(({ subject, reason }) => [subject, reason]));
  expect(notes.get("registry")).toContain("Registry 100");
  expect(notes.get('feature "good:event_timestamp"')).toContain("event time");
  expect(notes.get('batch source "s"')).toContain('"a"');
  expect(notes.get('feature view "asleep"')).toBe("is disabled");
  expect(notes.get('feature view "mixed"')).toContain("as int64");
  for (const subject of ['feature view "a:b"', 'entity "other"', 'feature view "stuck"', 'feature view "bare"']) {
    expect([...notes.keys()]).toContain(subject);
  }
  expect(notes.get('feature view "gone" in feature service "all"')).toContain("not in the registry");
  expect(notes.get('feature view "good"')).toContain("TTL");
});

test("the generated reader is that of registry.proto", async () => {
  const proto = await readFile(join(import.meta.dirname, "../../src/import-feast/protos/registry.proto"), "utf8");
  const written = [...proto.matchAll(/^message (\w+) \{(.*?)\}$/gms)].flatMap(([, message, fields = ""]) =>
    [...fields.matchAll(/(\w+) = (\d+);/g)].map(([, name, number]) => `${message}.${name} = ${number}`),
  );
  const read = file_registry.messages.flatMap(({ name, fields }) =>
    fields.map((field) => `${name}.${field.name} = ${field.number}`),
  );
  expect(read).toEqual(written);
  expect(read.length).toBeGreaterThan(100);
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
