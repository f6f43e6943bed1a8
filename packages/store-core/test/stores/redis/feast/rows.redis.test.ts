import { type RedisServer, startLeakCheck, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MISSING, NULL, present } from "../../../../conformance/world.ts";
import { featureField } from "../../../../src/stores/redis/feast/field-names.ts";
import { DRIVER, FV, feastFields, freshClient, keyOf, NOW, openFeast, P, project, rowKeys } from "./harness.ts";

const leaks = startLeakCheck();
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  await server?.stop();
  await leaks.assertNothingLeft();
});

const ENTITY = [{ driver_id: 1n }];

const X = featureField("fv", "x");
const Y = featureField("fv", "y");

/** Writes as Feast's SDK does, when it has decided to write. */
function feastWrites(
  client: { hset(...args: (Buffer | string)[]): Promise<number> },
  time: string,
  x: string,
  y: string,
) {
  const hex = (text: string) => Buffer.from(text, "hex");
  return client.hset(keyOf(1n), "_ts:fv", hex(time), X, hex(x), Y, hex(y));
}

test("views of one entity lie in one hash, each with an event time of its own", async () => {
  await using client = await freshClient(server);
  await using session = await openFeast(server, P);
  await session.write("fv", [session.row("fv", [1n], 1e6, { x: 5n, y: "" })]);
  await session.write("fv2", [session.row("fv2", [1n], 2e6, { x: 0n })]);
  expect(await rowKeys(client)).toEqual([keyOf(1n).toString("hex")]);
  expect(await feastFields(client, keyOf(1n))).toEqual({
    [Buffer.from("_ts:fv").toString("hex")]: "0801",
    [X.toString("hex")]: "2005",
    [Y.toString("hex")]: "1200",
    [Buffer.from("_ts:fv2").toString("hex")]: "0802",
    [featureField("fv2", "x").toString("hex")]: "2000",
  });
});

test("key_ttl_seconds is the life of the whole hash from the last applied write on, as in Feast", async () => {
  await using client = await freshClient(server);
  await using mortal = await openFeast(server, P, { keyTtlSeconds: 1000 });
  await using session = await openFeast(server, P);
  const write = (time: number, by = mortal) => by.outcomes("fv", [by.row("fv", [1n], time, { x: 1n, y: "" })]);
  await write(NOW);
  expect(await client.ttl(keyOf(1n))).toBeGreaterThan(990);
  await client.expire(keyOf(1n), 50);
  expect(await write(NOW)).toEqual(["duplicate"]);
  expect(await write(NOW - 1)).toEqual(["stale"]);
  expect(await client.ttl(keyOf(1n))).toBeLessThanOrEqual(50);
  expect(await write(NOW + 1, session)).toEqual(["applied"]);
  expect(await client.ttl(keyOf(1n))).toBeLessThanOrEqual(50);
  await mortal.write("fv2", [mortal.row("fv2", [1n], NOW, undefined)]);
  expect(await client.ttl(keyOf(1n))).toBeGreaterThan(990);
});

test("a deletion empties the view's fields and keeps its event time; Feast writes over it, and is read", async () => {
  await using client = await freshClient(server);
  await using session = await openFeast(server, P);
  await session.write("fv", [session.row("fv", [1n], 5e6, { x: 1n, y: "a" })]);
  await session.write("fv", [session.row("fv", [1n], 6e6, undefined)]);
  expect(await feastFields(client, keyOf(1n))).toEqual({ [Buffer.from("_ts:fv").toString("hex")]: "0806" });
  expect(await session.cells(["fv:x", "fv:y"], ENTITY)).toEqual([[MISSING, MISSING]]);
  await feastWrites(client, "0807", "2007", "");
  expect(await session.cells(["fv:x", "fv:y"], ENTITY)).toEqual([[present(7n), NULL]]);
  expect((await session.scan({ tenant: "default" })).map((found) => found.row?.values)).toEqual([[7n, null]]);
  expect(await session.outcomes("fv", [session.row("fv", [1n], 7e6, undefined)])).toEqual(["stale"]);
});

test("rows at the epoch and before it are newer and older as any others; Feast would overwrite them all", async () => {
  await using client = await freshClient(server);
  await using session = await openFeast(server, P);
  await feastWrites(client, "", "2001", "120161");
  expect(await session.cells(["fv:x"], ENTITY)).toEqual([[present(1n)]]);
  const write = (time: number) => session.outcomes("fv", [session.row("fv", [1n], time, { x: 2n, y: "b" })]);
  expect(await write(-1)).toEqual(["stale"]);
  expect(await write(0)).toEqual(["stale"]);
  expect(await write(1)).toEqual(["applied"]);
});

test("a row of Feast's with nanoseconds is compared with all of them", async () => {
  await using client = await freshClient(server);
  await using session = await openFeast(server, P);
  await feastWrites(client, "080110cf0f", "2001", "120161");
  const write = (time: number) => session.outcomes("fv", [session.row("fv", [1n], time, { x: 2n, y: "b" })]);
  expect(await write(1_000_001)).toEqual(["stale"]);
  expect(await write(1_000_002)).toEqual(["applied"]);
});

test("a feature that another type was written for reads NOT_FOUND, broken bytes INVALID, each without its neighbours", async () => {
  await using client = await freshClient(server);
  await using session = await openFeast(server, P);
  await session.write("fv2", [session.row("fv2", [1n], 1e6, { x: 3n })]);
  await feastWrites(client, "0801", "120135", "120161");
  expect(await session.cells(["fv:x", "fv:y", "fv2:x"], ENTITY)).toEqual([[MISSING, present("a"), present(3n)]]);
  await feastWrites(client, "0801", "2080", "120161");
  expect(await session.cells(["fv:x", "fv:y", "fv2:x"], ENTITY)).toEqual([
    [["INVALID", null], ["INVALID", null], present(3n)],
  ]);
  await client.hset(keyOf(1n), "_ts:fv", "what?");
  expect(await session.cells(["fv:y", "fv2:x"], ENTITY)).toEqual([[["INVALID", null], present(3n)]]);
});

test("what is no row of Feast's is never overwritten, and a reset removes it", async () => {
  await using client = await freshClient(server);
  await using session = await openFeast(server, P);
  const write = (id: bigint) => session.write("fv", [session.row("fv", [id], 1e6, { x: 1n, y: "" })]);
  await client.hset(keyOf(1n), "_ts:fv", "what?");
  await client.set(keyOf(2n), "a string");
  for (const id of [1n, 2n]) await expect(write(id)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  expect(await session.cells(["fv:x"], [{ driver_id: 2n }, { driver_id: 1n }])).toEqual([
    [["INVALID", null]],
    // Nothing that was asked for is there.
    [["INVALID", null]],
  ]);
  expect(await session.reset({ tenant: "default", view: "fv", entityKey: "2" })).toBe(0);
  expect(await session.reset({ tenant: "default", entityKey: "2" })).toBe(1);
  expect(await session.reset({ tenant: "default", view: "fv" })).toBe(1);
  for (const id of [1n, 2n]) expect((await write(id)).applied).toBe(1);
});

test("a row without a feature leaves none of an older row's behind, whoever's definitions it was written with", async () => {
  await using client = await freshClient(server);
  const wide = { ...FV, features: { x: "int64", y: "string", z: "bool" } } as const;
  await using old = await openFeast(server, project("p", { ...FV, partialRows: "absent" }));
  await using young = await openFeast(server, project("p", wide));
  await young.write("fv", [young.row("fv", [1n], 1e6, { x: 1n, y: "a", z: true })]);
  await old.write("fv", [old.row("fv", [1n], 2e6, { y: "b" })]);
  expect(await young.cells(["fv:x", "fv:y", "fv:z"], ENTITY)).toEqual([[MISSING, present("b"), MISSING]]);
  expect(Object.keys(await feastFields(client, keyOf(1n)))).toHaveLength(2);
});

test("a view of thousands of features is written, read, deleted and reset", async () => {
  await using client = await freshClient(server);
  const names = Array.from({ length: 9_000 }, (_, i) => `f${i}`);
  const features = Object.fromEntries(names.map((name) => [name, "int32"] as const));
  // Among so many, two names share their 32 bits more often than not.
  const fields = new Set<string>();
  for (const name of names) {
    const field = featureField("wide", name).toString("hex");
    if (fields.has(field)) delete features[name];
    fields.add(field);
  }
  await using session = await openFeast(server, project("p", { name: "wide", joinKeys: DRIVER, features }));
  const values = Object.fromEntries(Object.keys(features).map((name, i) => [name, i]));
  expect(await session.outcomes("wide", [session.row("wide", [1n], 1e6, values)])).toEqual(["applied"]);
  expect(await session.outcomes("wide", [session.row("wide", [1n], 1e6, values)])).toEqual(["duplicate"]);
  const asked = Object.keys(features).filter((_, i) => i % 1_000 === 7);
  expect(
    await session.cells(
      asked.map((name) => `wide:${name}`),
      [...ENTITY, ...ENTITY],
    ),
  ).toEqual(Array(2).fill(asked.map((name) => present(values[name] as number))));
  expect((await session.scan({ tenant: "default" }))[0]?.row?.values).toEqual(Object.values(values));
  expect(await session.outcomes("wide", [session.row("wide", [1n], 2e6, undefined)])).toEqual(["applied"]);
  expect(await client.hlen(keyOf(1n))).toBe(2);
  expect(await session.reset({ tenant: "default" })).toBe(1);
});
