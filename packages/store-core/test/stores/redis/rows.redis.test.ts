import { propertySettings, type RedisServer, startRedis } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PutOutcome, RowStore, StoredRow } from "../../../src/row-store.ts";
import { putRows } from "../../../src/stores/redis/scripts.ts";
import { CALL, cells, get, hex, NOW, openStore, put, rawClient, row, SCOPE } from "./harness.ts";

let server: RedisServer;
let store: RowStore;
let pipelined: RowStore;

beforeAll(async () => {
  server = await startRedis();
  store = await openStore(server);
  pipelined = await openStore(server, { gather: "pipeline" });
});

afterAll(async () => {
  await store?.close();
  await pipelined?.close();
  await server?.stop();
});

beforeEach(async () => {
  await using client = await rawClient(server);
  await client.flushall();
});

describe("writes", () => {
  test("the order is event time, created time, tombstone, bytes", async () => {
    const rising = [
      row({ eventTime: -(2 ** 53 - 1) }),
      row({ eventTime: -1 }),
      row({ eventTime: 0 }),
      row({ eventTime: 255 }),
      row({ eventTime: 256 }),
      row({ eventTime: NOW }),
      row({ eventTime: NOW, createdTime: -5 }),
      row({ eventTime: NOW, createdTime: 0 }),
      row({ eventTime: NOW, createdTime: 0, values: "a" }),
      row({ eventTime: NOW, createdTime: 0, values: "b" }),
      row({ eventTime: NOW, createdTime: 0, values: "b\x00" }),
      row({ eventTime: NOW, createdTime: 0, values: "\xff" }),
      row({ eventTime: NOW, createdTime: 0, tombstone: true }),
      row({ eventTime: NOW, createdTime: 1 }),
      row({ eventTime: 2 ** 53 - 1 }),
    ];
    const tie = (a: StoredRow, b: StoredRow) => hex(a).slice(0, 30) === hex(b).slice(0, 30);
    for (const [i, lower] of rising.entries()) {
      for (const higher of rising.slice(i + 1)) {
        const suffix = tie(lower, higher) ? "_conflict" : "";
        const pair = [lower, higher, higher, lower];
        const names: PutOutcome[] = ["applied", `applied${suffix}`, "duplicate", `stale${suffix}`];
        const key = `${rising.indexOf(lower)}.${rising.indexOf(higher)}`;
        const outcomes = await put(store, ...pair.map((each) => ({ ...each, entityKey: key })));
        expect(outcomes, `${hex(lower)} then ${hex(higher)}`).toEqual(names);
        expect(await get(store, [key])).toEqual([hex(higher)]);
      }
    }
  });

  test("a batch may repeat a key: later rows meet what earlier ones left", async () => {
    const rows = [
      row({ values: "b" }),
      row({ values: "a" }),
      row({ values: "b" }),
      row({ eventTime: NOW + 1 }),
      row({}),
    ];
    expect(await store.putIfNewer(SCOPE, rows, CALL)).toEqual([
      "applied",
      "stale_conflict",
      "duplicate",
      "applied",
      "stale",
    ]);
  });

  test("whatever bytes are stored, the greater stay: rows of any length, in any order", async () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 24 }).map((tail) => Buffer.concat([PREFIX, tail]));
    const anything = fc.oneof(bytes, fc.uint8Array({ minLength: 1, maxLength: 30 }));
    let entity = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { minLength: 2, maxLength: 8 }), async (list) => {
        const entityKey = `p${entity++}`;
        const rows = list.map((each) => ({ ...row({ entityKey }), bytes: each }));
        let held: Uint8Array | undefined;
        const expected = list.map((each) => {
          const order = held === undefined ? 1 : Buffer.compare(each, held);
          const before = held;
          if (order > 0) held = each;
          if (order === 0) return "duplicate";
          const tie =
            before !== undefined &&
            Buffer.compare(each.subarray(0, 15), before.subarray(0, 15)) === 0 &&
            before.length >= 15;
          return `${order > 0 ? "applied" : "stale"}${tie ? "_conflict" : ""}`;
        });
        expect(await store.putIfNewer(SCOPE, rows, CALL)).toEqual(expected);
        expect(await get(store, [entityKey])).toEqual([Buffer.from(held as Uint8Array).toString("hex")]);
      }),
      propertySettings(150),
    );
  });

  test("no rows are no command, too many are refused before anything is written", async () => {
    expect(await store.putIfNewer(SCOPE, [], CALL)).toEqual([]);
    const rows = Array.from({ length: store.capabilities.maxBatchRows + 1 }, (_, i) => row({ entityKey: `${i}` }));
    await expect(store.putIfNewer(SCOPE, rows, CALL)).rejects.toMatchObject({ code: "INTERNAL" });
    expect(await store.deleteScope(SCOPE, CALL)).toBe(0);
    expect(await store.putIfNewer(SCOPE, rows.slice(1), CALL)).toEqual(rows.slice(1).map(() => "applied"));
  });

  test("the script itself refuses a batch that would block the server", async () => {
    await using client = await rawClient(server);
    const keys = Array.from({ length: 257 }, (_, i) => `l:churn:default:{${i}}`);
    await expect(client.eval(putRows.text, 257, ...keys, "field", "", ...keys)).rejects.toThrow("at most 256 rows");
    expect(await client.dbsize()).toBe(0);
  });

  test("a key that holds something else fails its row by hash, and the rest of the batch is written", async () => {
    await using client = await rawClient(server);
    await client.set("l:churn:default:{2}", "foreign");
    const rows = ["1", "2", "3"].map((entityKey) => row({ entityKey }));
    await expect(store.putIfNewer(SCOPE, rows, CALL)).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      facts: { row: 1, keyHash: "d4735e3a265e" },
    });
    expect(await client.get("l:churn:default:{2}")).toBe("foreign");
    expect(await get(store, ["1", "3"])).toEqual([hex(row({})), hex(row({}))]);
  });
});

const PREFIX = Buffer.from(row({}).bytes.subarray(0, 14));

describe("reads", () => {
  const GROUPS = [
    { views: ["a", "b", "c"], entityKeys: ["1", "2", "1", "nobody"] },
    { views: ["b"], entityKeys: ["2", "9", "9", "1"] },
    { views: ["c", "a"], entityKeys: ["1"] },
    { views: ["a"], entityKeys: [] },
    { views: [], entityKeys: ["1"] },
  ];

  test.each(["script", "pipeline"] as const)(
    "groups, repeats and absent rows keep the order of the request (%s)",
    async (gather) => {
      const values = new Map([
        ["a1", "x".repeat(3)],
        ["b1", "x".repeat(20)],
        ["c1", "x".repeat(300)],
        ["b2", "x".repeat(70_000)],
      ]);
      for (const [at, value] of values) {
        const [view = "", entityKey = ""] = at;
        await store.putIfNewer({ ...SCOPE, view }, [row({ entityKey, values: value })], CALL);
      }
      const reader = gather === "script" ? store : pipelined;
      const expected = GROUPS.flatMap(({ views, entityKeys }) =>
        entityKeys.flatMap((key) =>
          views.map((view) => {
            const value = values.get(view + key);
            return value === undefined ? undefined : hex(row({ values: value }));
          }),
        ),
      );
      expect(cells(await reader.get({ ...SCOPE, groups: GROUPS }, CALL))).toEqual(expected);
    },
  );

  test.each([
    [1, 1],
    [1, 3],
    [15, 2],
    [16, 2],
    [2, 16],
    [999, 1],
    [1000, 1],
    [1001, 1],
    [2001, 1],
    [334, 3],
    [3, 1001],
    [1, 9000],
  ])("%i entities x %i views, over the limits of one script", async (entities, views) => {
    const names = Array.from({ length: views }, (_, i) => `view${i}`);
    const keys = Array.from({ length: entities }, (_, i) => `${i}`);
    const written = new Map<string, string>();
    for (const [v, view] of names.entries()) {
      if (v % 100 !== 0) continue;
      for (let at = 0; at < entities; at += 100) {
        const rows = keys.slice(at, at + 100).map((entityKey) => row({ entityKey, values: `${view} ${entityKey}` }));
        await store.putIfNewer({ ...SCOPE, view }, rows, CALL);
        for (const each of rows) written.set(`${view} ${each.entityKey}`, hex(each));
      }
    }
    const expected = keys.flatMap((key) => names.map((view) => written.get(`${view} ${key}`)));
    const request = { ...SCOPE, groups: [{ views: names, entityKeys: keys }] };
    expect(cells(await store.get(request, CALL))).toEqual(expected);
    expect(cells(await pipelined.get(request, CALL))).toEqual(expected);
  });

  test.each(["script", "pipeline"] as const)(
    "a key of another type reads as undecodable, the others are answered (%s)",
    async (gather) => {
      await using client = await rawClient(server);
      await client.rpush("l:churn:default:{2}", "foreign");
      await put(store, row({ entityKey: "1" }));
      const reader = gather === "script" ? store : pipelined;
      const groups = [{ views: ["v", "w"], entityKeys: ["1", "2", "3"] }];
      expect(cells(await reader.get({ ...SCOPE, groups }, CALL))).toEqual([
        hex(row({})),
        undefined,
        "",
        "",
        undefined,
        undefined,
      ]);
      expect(await get(reader, ["2"])).toEqual([""]);
      expect(await get(reader, ["2", "1"])).toEqual(["", hex(row({}))]);
    },
  );
});
