import { type RedisServer, startLeakCheck, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FV, FV2, feastFields, freshClient, keyOf, openFeast, P, project, rowKeys } from "./harness.ts";

const leaks = startLeakCheck();
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  await server?.stop();
  await leaks.assertNothingLeft();
});

test("a reset or scan of foo leaves bar_foo alone, which Feast takes for its own", async () => {
  for (const version of [2, 3] as const) {
    await using client = await freshClient(server);
    const names = ["foo", "bar_foo", "foo_bar", "o", "oo"];
    for (const name of names) {
      await using session = await openFeast(server, project(name, FV, FV2), { entityKeyVersion: version });
      await session.write("fv", [session.row("fv", [1n], 1e6, { x: 1n, y: name })]);
      await session.write("fv2", [session.row("fv2", [2n], 1e6, { x: 1n })]);
    }
    await using foo = await openFeast(server, project("foo", FV, FV2), { entityKeyVersion: version });
    expect((await foo.scan({ tenant: "default" })).map(({ view, entityKey }) => [view, entityKey])).toEqual([
      ["fv", "1"],
      ["fv2", "2"],
    ]);
    expect(await foo.reset({ tenant: "default", view: "fv" })).toBe(1);
    expect(await foo.reset({ tenant: "default" })).toBe(1);
    const left = names.slice(1).flatMap((name) => [1n, 2n].map((id) => keyOf(id, name, version).toString("hex")));
    expect(await rowKeys(client)).toEqual(left.sort());
  }
});

test("join keys whose lengths are wildcards to Feast's scan are read and reset exactly", async () => {
  await using client = await freshClient(server);
  for (const length of [42, 63, 91, 92]) {
    const name = "k".repeat(length);
    const other = `${"k".repeat(length - 1)}l`;
    const definitions = project(
      "p",
      { name: "a", joinKeys: { [name]: "string" }, features: { x: "int64" } },
      { name: "b", joinKeys: { [other]: "string" }, features: { x: "int64" } },
    );
    await using session = await openFeast(server, definitions);
    for (const view of ["a", "b"]) {
      await session.write(
        view,
        ["", "*", "?[x]", "\\", "\0"].map((key) => session.row(view, [key], 1e6, { x: 1n })),
      );
    }
    expect(await session.scan({ tenant: "default", view: "a" })).toHaveLength(5);
    expect(await session.reset({ tenant: "default", view: "a" })).toBe(5);
    expect(await session.reset({ tenant: "default" })).toBe(5);
    expect(await rowKeys(client)).toEqual([]);
  }
});

test("a hash without any event time left goes as a whole; a view that the file does not declare stays", async () => {
  await using client = await freshClient(server);
  await using session = await openFeast(server, P);
  await session.write(
    "fv",
    [1n, 2n].map((id) => session.row("fv", [id], 1e6, { x: 1n, y: "" })),
  );
  await client.hset(keyOf(1n), Buffer.from("dead"), "a feature that was removed");
  await client.hset(keyOf(2n), "_ts:undeclared", "", Buffer.from("else"), "");
  expect(await session.reset({ tenant: "default" })).toBe(2);
  expect(await rowKeys(client)).toEqual([keyOf(2n).toString("hex")]);
  expect(Object.keys(await feastFields(client, keyOf(2n)))).toHaveLength(2);
});
