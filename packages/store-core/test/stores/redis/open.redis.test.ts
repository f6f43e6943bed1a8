import { inspect } from "node:util";
import { freePort, type RedisServer, startLeakCheck, startRedis, startTcpProxy } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CALL, get, hex, openStore, put, rawClient, row } from "./harness.ts";

const leaks = startLeakCheck();
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  await server?.stop();
  await leaks.assertNothingLeft();
});

/** What opening fails with; nothing of it may show the password. */
async function openingFails(connectionString: string, changes = {}): Promise<unknown> {
  const error: unknown = await openStore({ connectionString }, changes).then(
    (store) => store.close().then(() => new Error("it opened")),
    (failure: unknown) => failure,
  );
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("s3cret");
  return error;
}

test("a port where nobody listens is one clear error", async () => {
  const port = await freePort();
  expect(await openingFails(`127.0.0.1:${port},password=s3cret`)).toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining(`127.0.0.1:${port}`),
    retryable: true,
  });
});

test("a host that does not exist is one clear error", async () => {
  expect(await openingFails("no-such-host.invalid:6379")).toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringContaining("no-such-host.invalid:6379"),
  });
});

test.concurrent("TLS asked of a server that has none is one clear error", async () => {
  expect(await openingFails(`${server.connectionString},ssl=true`)).toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringMatching(`${server.connectionString}.*ssl=true if the server wants TLS, and only then`),
  });
});

test.concurrent("a server that never answers is given up", async () => {
  await using proxy = await startTcpProxy(server);
  proxy.hang();
  const started = performance.now();
  expect(await openingFails(proxy.connectionString)).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(performance.now() - started).toBeLessThan(8_000);
});

test("something else than Redis on the port is one clear error", async () => {
  const { createServer } = await import("node:http");
  const http = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await new Promise((resolve) => http.once("listening", resolve));
  const address = http.address();
  const port = typeof address === "object" ? address?.port : 0;
  expect(await openingFails(`127.0.0.1:${port}`)).toMatchObject({ code: "STORE_UNAVAILABLE" });
  await new Promise((resolve) => http.close(resolve));
});

test("passwords and users: the right ones work, wrong and missing ones are misconfigured", async () => {
  await using own = await startRedis({ args: ["--requirepass", "s3cret"] });
  await using client = await rawClient(own, { password: "s3cret" });
  await client.acl(
    "SETUSER",
    "larder",
    "on",
    ">s3cret2",
    "~l:*",
    "+@read",
    "+@write",
    "+@scripting",
    "+@connection",
    "+time",
  );
  await client.acl("SETUSER", "reader", "on", ">s3cret3", "~l:*", "+@read", "+@connection");
  const store = await openStore({ connectionString: `${own.connectionString},password=s3cret` });
  expect(await put(store, row({}))).toEqual(["applied"]);
  await store.close();
  const limited = await openStore({ connectionString: `${own.connectionString},username=larder,password="s3cret2"` });
  expect(await put(limited, row({ values: "x" }))).toEqual(["applied_conflict"]);
  expect(await get(limited, ["1", "2"])).toEqual([hex(row({ values: "x" })), undefined]);
  expect(await limited.putMeta({ project: "churn" }, "m", Buffer.from("x"), undefined, CALL)).toBeDefined();
  expect(await limited.deleteScope({ project: "churn", tenant: "default" }, CALL)).toBe(1);
  await limited.close();
  const misconfigured = { code: "STORE_MISCONFIGURED", message: expect.stringContaining(own.connectionString) };
  for (const settings of [
    "",
    ",password=s3cretwrong",
    ",username=nobody,password=s3cret",
    ",username=reader,password=s3cret3",
  ]) {
    expect(await openingFails(own.connectionString + settings), settings).toMatchObject(misconfigured);
  }
  // Who may run no scripts can still read, by plain commands.
  const reader = await openStore(
    { connectionString: `${own.connectionString},username=reader,password=s3cret3` },
    { gather: "pipeline" },
  );
  expect(await get(reader, ["1"])).toEqual([undefined]);
  await expect(put(reader, row({}))).rejects.toMatchObject({ code: "STORE_MISCONFIGURED", facts: { reply: "NOPERM" } });
  await reader.close();
});

test("a password where none is needed works, silently", async () => {
  const store = await openStore({ connectionString: `${server.connectionString},password=s3cret` });
  await store.ping(CALL);
  await store.close();
});

test("db keeps data apart, and a db that is not there is refused instead of taking db 0", async () => {
  const one = await openStore({ connectionString: `${server.connectionString},db=1` });
  const zero = await openStore(server);
  await put(one, row({}));
  expect(await get(zero, ["1"])).toEqual([undefined]);
  expect(await get(one, ["1"])).toEqual([hex(row({}))]);
  await one.close();
  await zero.close();
  expect(await openingFails(`${server.connectionString},db=99`)).toMatchObject({ code: "STORE_MISCONFIGURED" });
});

test("a cluster node is refused", async () => {
  await using own = await startRedis({ args: ["--cluster-enabled", "yes", "--cluster-port", "0"] });
  expect(await openingFails(own.connectionString)).toMatchObject({
    code: "STORE_MISCONFIGURED",
    message: expect.stringContaining("Cluster"),
  });
});

test("a database of Feast's is refused with both remedies, and so is none where Larder lives already", async () => {
  await using client = await rawClient(server);
  const keys = {
    v3: "0100000002000000090000006472697665725f69640400000008000000e90300000000000064656d6f",
    v2: "020000006472697665725f69640400000008000000e90300000000000064656d6f",
  };
  for (const [db, key] of Object.entries(Object.values(keys))) {
    const own = Number(db) + 5;
    await client.select(own);
    await client.hset(Buffer.from(key, "hex"), "_ts:driver_hourly_stats", Buffer.from("08f096be8e06", "hex"));
    const connectionString = `${server.connectionString},db=${own}`;
    expect(await openingFails(connectionString)).toMatchObject({
      code: "STORE_MISCONFIGURED",
      message: expect.stringMatching(/layout to feast.*db=1/),
    });
    await client.hset("l:churn:default:{1}", "field", "row");
    await (await openStore({ connectionString })).close();
  }
});

test("other keys in the database, binary or not, are no reason to refuse", async () => {
  await using client = await rawClient(server);
  await client.select(8);
  await client.set("session:1", "x");
  await client.hset(Buffer.from("0100000002000000ff", "hex"), "field", "x");
  await client.set(Buffer.from("0100000002000000fe", "hex"), "x");
  await (await openStore({ connectionString: `${server.connectionString},db=8` })).close();
});
