import { findView, parseDefinitions } from "@larder/schema";
import { type RedisServer, startLeakCheck, startRedis, startSentinel } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { definitionsOf, type ViewSpec } from "../../../../conformance/definitions.ts";
import { present, Session } from "../../../../conformance/world.ts";
import { openOnlineStore } from "../../../../src/open-online-store.ts";
import { openStore, put, row } from "../harness.ts";
import { DRIVER, FV, freshClient, keyOf, NOW, openFeast, P, project, rowKeys } from "./harness.ts";

const leaks = startLeakCheck();
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  await server?.stop();
  await leaks.assertNothingLeft();
});

test("features that would share a field are refused when the store opens", async () => {
  // murmur3 of both is the same.
  const [one, other] = ["f18433", "f68910"];
  const twins: ViewSpec = { name: "fv", joinKeys: DRIVER, features: { [one]: "int64", [other]: "int64" } };
  await expect(openFeast(server, project("p", twins))).rejects.toMatchObject({
    code: "STORE_MISCONFIGURED",
    message: expect.stringMatching(/"fv:f18433".*"fv:f68910"/),
  });
  const apart: ViewSpec[] = [
    { name: "fv", joinKeys: DRIVER, features: { [one]: "int64" } },
    { name: "other", joinKeys: DRIVER, features: { [other]: "int64" } },
  ];
  await (await openFeast(server, project("p", ...apart)))[Symbol.asyncDispose]();
});

test("other tenants are refused when the store opens, and at every call", async () => {
  const tenants = { acme: {} };
  await expect(openFeast(server, definitionsOf({ project: "p", tenants, views: [FV] }))).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringContaining("tenants"),
  });
  await using session = await openFeast(server, P);
  await expect(session.reset({ tenant: "acme" })).rejects.toMatchObject({ code: "UNKNOWN_TENANT" });
  await expect(session.write("fv", [], { tenant: "acme" })).rejects.toMatchObject({ code: "UNKNOWN_TENANT" });
});

test("behind Sentinel it reads, writes and resets as on one server", async () => {
  await using sentinel = await startSentinel();
  await using session = await openFeast(sentinel, P, { redisType: "redis_sentinel", sentinelMaster: sentinel.master });
  await session.write("fv", [session.row("fv", [1n], NOW, { x: 1n, y: "a" })]);
  expect(await session.cells(["fv:x"], [{ driver_id: 1n }])).toEqual([[present(1n)]]);
  expect(await session.reset({ tenant: "default" })).toBe(1);
  expect(await session.cells(["fv:x"], [{ driver_id: 1n }])).not.toEqual([[present(1n)]]);
});

test("each layout refuses to open where the other's rows are, and names both ways out", async () => {
  await using client = await freshClient(server);
  const packed = await openStore(server);
  await put(packed, row({}));
  await packed.close();
  const churn = project("churn", FV);
  const refusal = { code: "STORE_MISCONFIGURED", message: expect.stringMatching(/layout to packed.*db=1/) };
  await expect(openFeast(server, churn)).rejects.toMatchObject(refusal);
  // Another project's packed rows are no concern of this one.
  await (await openFeast(server, P))[Symbol.asyncDispose]();

  await client.flushall();
  await using session = await openFeast(server, churn);
  await session.write("fv", [session.row("fv", [1n], 1e6, { x: 1n, y: "" })]);
  await session.store.putMeta({ project: "churn" }, "m", Buffer.from("x"), undefined, { tenant: "default" });
  await expect(openStore(server)).rejects.toMatchObject({ code: "STORE_MISCONFIGURED" });
});

test("the front opens it by the file's layout, with Feast's own keys", async () => {
  await using client = await freshClient(server);
  const definitions = parseDefinitions(
    `project: p
registry: r.db
entity_key_serialization_version: 2
online_store: { type: redis, layout: feast, connection_string: "${server.connectionString}", key_ttl_seconds: 77 }
entities: [{ name: d, join_keys: [{ name: driver_id, type: int64 }] }]
feature_views: [{ name: fv, entity: d, features: [{ name: x, type: int64 }, { name: "y", type: string }] }]
`,
    { file: "feature_store.yaml", env: {} },
  );
  await using store = await openOnlineStore(definitions, { clock: { now: () => NOW } });
  const view = findView(definitions, "fv");
  const values = [1n, "a"];
  await store.write(view, [{ entityKey: [1n], eventTime: NOW, createdTime: undefined, values }], { tenant: "default" });
  expect(await rowKeys(client)).toEqual([keyOf(1n, "p", 2).toString("hex")]);
  expect(await client.ttl(keyOf(1n, "p", 2))).toBeGreaterThan(70);
});

test("what was read before answers for every feature of its rows, whichever the read asked for", async () => {
  await using own = await startRedis();
  const definitions = parseDefinitions(
    `project: p
online_store: { type: redis, layout: feast, connection_string: "${own.connectionString}", on_failure: stale, deadline: 10s, write_deadline: 10s }
entities: [{ name: d, join_keys: [{ name: driver_id, type: int64 }] }]
feature_views: [{ name: fv, entity: d, features: [{ name: x, type: int64 }, { name: "y", type: string }] }]
`,
    { file: "feature_store.yaml", env: {} },
  );
  await using store = await openOnlineStore(definitions, { clock: { now: () => NOW } });
  const session = new Session(store, definitions);
  await session.write("fv", [session.row("fv", [1n], NOW, { x: 1n, y: "a" })]);
  expect(await session.cells(["fv:x"], [{ driver_id: 1n }])).toEqual([[present(1n)]]);
  await own.kill();
  const onFailure = { policy: "stale", maxAge: 1e12, otherwise: "fail" } as const;
  const batch = await session.read(session.plan("fv:y"), [{ driver_id: 1n }], { onFailure });
  expect([batch.degraded, batch.value(0, 0)]).toEqual([true, "a"]);
});
