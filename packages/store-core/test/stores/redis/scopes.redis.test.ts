import { propertySettings, type RedisServer, startRedis } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RowScope, RowStore } from "../../../src/row-store.ts";
import { CALL, cells, hex, openStore, rawClient, row } from "./harness.ts";

let server: RedisServer;
let store: RowStore;
let client: Awaited<ReturnType<typeof rawClient>>;

beforeAll(async () => {
  server = await startRedis();
  store = await openStore(server);
  client = await rawClient(server);
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await store?.close();
  await server?.stop();
});

beforeEach(async () => {
  await client.flushall();
});

const HOSTILE = [
  "a",
  "*",
  "?",
  "[a-z]",
  "\\",
  "a*",
  "{a}",
  "{",
  "}",
  ":",
  "a:b",
  "a:{1}",
  "%",
  "%3A",
  "\0",
  "\n",
  "\r\n",
  " ",
  "é",
  "e\u0301",
  "😀",
  "l:",
  "a".repeat(200),
  "..",
  "-",
];

async function fill(project: string, tenant: string, view: string, entityKeys: readonly string[]): Promise<void> {
  for (let at = 0; at < entityKeys.length; at += 100) {
    const rows = entityKeys
      .slice(at, at + 100)
      .map((entityKey) => row({ entityKey, values: Buffer.from(`${project}/${tenant}/${view}`).toString("base64") }));
    await store.putIfNewer({ project, tenant, view }, rows, CALL);
  }
}

async function scanned(scope: RowScope): Promise<string[]> {
  const found = new Set<string>();
  for await (const { view, entityKey, bytes } of store.scan(scope, CALL)) {
    found.add(`${view} ${entityKey} ${Buffer.from(bytes.subarray(19)).toString("latin1")}`);
  }
  return [...found].sort();
}

function expected(project: string, tenant: string, view: string, entityKeys: readonly string[]): string[] {
  const value = Buffer.from(`${project}/${tenant}/${view}`).toString("base64");
  return entityKeys.map((entityKey) => `${view} ${entityKey} ${value}`);
}

describe("tenants and projects", () => {
  test("of hostile names never meet: reads, scans and resets touch exactly theirs", async () => {
    for (const tenant of HOSTILE) await fill("p", tenant, "v", ["1", "2"]);
    for (const project of HOSTILE) await fill(project, "t", "v", ["1"]);
    const meta = await store.putMeta({ project: "p", tenant: "a" }, "m", Buffer.from("x"), undefined, CALL);
    for (const [index, tenant] of HOSTILE.entries()) {
      expect(await scanned({ project: "p", tenant })).toEqual(expected("p", tenant, "v", ["1", "2"]));
      expect(await store.deleteScope({ project: "p", tenant }, CALL)).toBe(2);
      expect(await scanned({ project: "p", tenant })).toEqual([]);
      const next = HOSTILE[index + 1];
      if (next !== undefined) expect(await scanned({ project: "p", tenant: next })).toHaveLength(2);
    }
    for (const project of HOSTILE) {
      expect(await scanned({ project, tenant: "t" })).toEqual(expected(project, "t", "v", ["1"]));
      expect(await store.deleteScope({ project, tenant: "t" }, CALL)).toBe(1);
    }
    expect((await store.getMeta({ project: "p", tenant: "a" }, "m", CALL))?.revision).toBe(meta);
    expect(await client.keys("*")).toHaveLength(1);
  });

  test("any two different owners have their own row", async () => {
    const name = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 }));
    const entityKey = fc.stringMatching(/^[A-Za-z0-9_.,%'~-]{0,8}$/);
    const owner = fc.record({ project: name, tenant: name, view: name, entityKey });
    const unique = fc.uniqueArray(owner, {
      minLength: 2,
      maxLength: 8,
      selector: (each) => JSON.stringify(Object.values(each)),
    });
    await fc.assert(
      fc.asyncProperty(unique, async (owners) => {
        await client.flushall();
        for (const [index, { entityKey, ...scope }] of owners.entries()) {
          await store.putIfNewer(scope, [row({ entityKey, values: `${index}` })], CALL);
        }
        for (const [index, { project, tenant, view, entityKey }] of owners.entries()) {
          const read = await store.get({ project, tenant, groups: [{ views: [view], entityKeys: [entityKey] }] }, CALL);
          expect(cells(read)).toEqual([hex(row({ values: `${index}` }))]);
        }
        for (const scope of owners) expect(await store.deleteScope(scope, CALL)).toBe(1);
      }),
      propertySettings(100),
    );
  });
});

describe("scopes", () => {
  const MANY = Array.from({ length: 2_500 }, (_, i) => `${i}`).sort();

  beforeEach(async () => {
    await fill("p", "t", "v", MANY);
    await fill("p", "t", "w", MANY.slice(0, 700));
    await fill("p", "other", "v", MANY.slice(0, 30));
  });

  test("a tenant, a view and an entity are scanned page by page, whole", async () => {
    const rows = (view: string, count: number) => expected("p", "t", view, MANY.slice(0, count));
    expect(await scanned({ project: "p", tenant: "t" })).toEqual([...rows("v", 2_500), ...rows("w", 700)].sort());
    expect(await scanned({ project: "p", tenant: "t", view: "w" })).toEqual(rows("w", 700).sort());
    expect(await scanned({ project: "p", tenant: "t", entityKey: "0" })).toHaveLength(2);
    expect(await scanned({ project: "p", tenant: "t", view: "v", entityKey: "0" })).toHaveLength(1);
    expect(await scanned({ project: "p", tenant: "t", view: "none", entityKey: "0" })).toEqual([]);
    expect(await scanned({ project: "p", tenant: "nobody" })).toEqual([]);
  });

  test("a view goes alone, and an entity without views leaves no key", async () => {
    expect(await store.deleteScope({ project: "p", tenant: "t", view: "v" }, CALL)).toBe(2_500);
    expect(await client.keys("l:p:t:*")).toHaveLength(700);
    expect(await scanned({ project: "p", tenant: "t" })).toEqual(expected("p", "t", "w", MANY.slice(0, 700)).sort());
    expect(await store.deleteScope({ project: "p", tenant: "t", view: "v" }, CALL)).toBe(0);
    expect(await scanned({ project: "p", tenant: "other" })).toHaveLength(30);
  });

  test("an entity goes alone, or one view of it", async () => {
    expect(await store.deleteScope({ project: "p", tenant: "t", view: "w", entityKey: "0" }, CALL)).toBe(1);
    expect(await store.deleteScope({ project: "p", tenant: "t", entityKey: "0" }, CALL)).toBe(1);
    expect(await store.deleteScope({ project: "p", tenant: "t", entityKey: "0" }, CALL)).toBe(0);
    expect(await scanned({ project: "p", tenant: "t", view: "v" })).toHaveLength(2_499);
  });

  test("a tenant goes whole, in scripts of bounded size, and the others stay", async () => {
    await client.config("RESETSTAT");
    expect(await store.deleteScope({ project: "p", tenant: "t" }, CALL)).toBe(3_200);
    const runs = /cmdstat_evalsha:calls=(\d+)/.exec(await client.info("commandstats"));
    expect(Number(runs?.[1])).toBeGreaterThanOrEqual(2_500 / 256);
    expect(await client.keys("l:p:t:*")).toEqual([]);
    expect(await scanned({ project: "p", tenant: "other" })).toHaveLength(30);
  });

  test("keys of another type are scanned as rows without bytes and go with their tenant or entity", async () => {
    await client.del("l:p:t:{0}", "l:p:t:{1}");
    await client.set("l:p:t:{0}", "x");
    await client.sadd("l:p:t:{1}", "x");
    expect(await scanned({ project: "p", tenant: "t", view: "v", entityKey: "0" })).toEqual(["v 0 "]);
    expect(await scanned({ project: "p", tenant: "t", entityKey: "0" })).toEqual(["field: 0 "]);
    expect(await store.deleteScope({ project: "p", tenant: "t", view: "v" }, CALL)).toBe(2_498);
    expect(await client.exists("l:p:t:{0}", "l:p:t:{1}")).toBe(2);
    expect(await store.deleteScope({ project: "p", tenant: "t", entityKey: "0" }, CALL)).toBe(1);
    await store.deleteScope({ project: "p", tenant: "t" }, CALL);
    expect(await client.keys("l:p:t:*")).toEqual([]);
  });

  test("a view that this process has not met is scanned under its field", async () => {
    const fresh = await openStore(server);
    const found = [];
    for await (const { view } of fresh.scan({ project: "p", tenant: "t", entityKey: "0" }, CALL)) found.push(view);
    expect(found.sort()).toEqual(["field:UOch5J", "v"]);
    await fresh.close();
  });

  test("a deadline ends a long scan and a long reset", async () => {
    const over = { ...CALL, deadline: performance.now() + 2 };
    const all = (async () => {
      for await (const _ of store.scan({ project: "p", tenant: "t" }, over));
    })();
    await expect(all).rejects.toMatchObject({ code: "STORE_TIMEOUT" });
    const reset = store.deleteScope({ project: "p", tenant: "t" }, { ...CALL, deadline: performance.now() + 2 });
    await expect(reset).rejects.toMatchObject({ code: "STORE_TIMEOUT" });
  });
});
