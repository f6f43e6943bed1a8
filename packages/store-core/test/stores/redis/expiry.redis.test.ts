import { type RedisServer, startRedis } from "@larder/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PutOutcome, RowStore } from "../../../src/row-store.ts";
import { CALL, get, hex, NOW, openStore, type RowParts, rawClient, row, SCOPE } from "./harness.ts";

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

const KEY = "l:churn:default:{1}";
const DAY = 86_400_000;
const AHEAD = NOW / 1000;
const NEVER = -1;
const GONE = -2;

async function write(view: string, parts: RowParts): Promise<PutOutcome> {
  const [outcome] = await store.putIfNewer({ ...SCOPE, view }, [row(parts)], CALL);
  return outcome as PutOutcome;
}

/** When the key goes, in milliseconds: {@link NEVER}, or {@link GONE} when there is no key. */
function expiry(): Promise<number> {
  return client.pexpiretime(KEY);
}

/** Microseconds from milliseconds. */
const us = (milliseconds: number) => milliseconds * 1000;

describe("the key lives as long as the longest-lived of its views", () => {
  test("a first row sets its own expiry, a fraction of a millisecond rounded up", async () => {
    await write("v", { expiresAt: us(AHEAD) });
    expect(await expiry()).toBe(AHEAD);
    await client.del(KEY);
    await write("v", { expiresAt: us(AHEAD) + 1 });
    expect(await expiry()).toBe(AHEAD + 1);
  });

  test("a first row without expiry stays", async () => {
    await write("v", {});
    expect(await expiry()).toBe(NEVER);
  });

  test.each([
    ["later", AHEAD + DAY, AHEAD + DAY],
    ["earlier", AHEAD - DAY, AHEAD],
    ["the same", AHEAD, AHEAD],
    ["none", undefined, NEVER],
    ["in the past", 1, AHEAD],
  ])("another view's row with an expiry that is %s", async (_, expiresAt, expected) => {
    await write("v", { expiresAt: us(AHEAD) });
    await write("w", expiresAt === undefined ? {} : { expiresAt: us(expiresAt) });
    expect(await expiry()).toBe(expected);
    expect(await get(store, ["1"], "v")).toEqual([hex(row({}))]);
  });

  test("a view without expiry keeps its siblings, whoever comes first", async () => {
    await write("v", {});
    await write("w", { expiresAt: us(AHEAD) });
    expect(await expiry()).toBe(NEVER);
    await write("w", { expiresAt: us(AHEAD + DAY), eventTime: NOW + 1 });
    expect(await expiry()).toBe(NEVER);
  });

  test("a newer row of the same view extends, and never shortens", async () => {
    await write("v", { expiresAt: us(AHEAD) });
    await write("v", { eventTime: NOW + 1, expiresAt: us(AHEAD + 1) });
    expect(await expiry()).toBe(AHEAD + 1);
    await write("v", { eventTime: NOW + 2, expiresAt: us(AHEAD - DAY) });
    expect(await expiry()).toBe(AHEAD + 1);
  });

  test("a row that lost changes nothing, one that is repeated extends: its TTL may have grown", async () => {
    await write("v", { expiresAt: us(AHEAD) });
    expect(await write("v", { eventTime: NOW - 1, expiresAt: us(AHEAD + DAY) })).toBe("stale");
    expect(await expiry()).toBe(AHEAD);
    expect(await write("v", { expiresAt: us(AHEAD + DAY) })).toBe("duplicate");
    expect(await expiry()).toBe(AHEAD + DAY);
    expect(await write("v", { expiresAt: us(AHEAD) })).toBe("duplicate");
    expect(await expiry()).toBe(AHEAD + DAY);
    expect(await write("v", {})).toBe("duplicate");
    expect(await expiry()).toBe(NEVER);
  });

  test("each row of a batch has its own", async () => {
    const rows = [
      row({ entityKey: "1", expiresAt: us(AHEAD) }),
      row({ entityKey: "2" }),
      row({ entityKey: "3", expiresAt: us(AHEAD + 5) }),
      row({ entityKey: "1", eventTime: NOW + 1, expiresAt: us(AHEAD + 7) }),
      row({ entityKey: "4", expiresAt: us(1) }),
    ];
    const outcomes = await store.putIfNewer(SCOPE, rows, CALL);
    expect(outcomes).toEqual(["applied", "applied", "applied", "applied", "applied"]);
    const times = ["1", "2", "3", "4"].map((id) => client.pexpiretime(`l:churn:default:{${id}}`));
    expect(await Promise.all(times)).toEqual([AHEAD + 7, NEVER, AHEAD + 5, GONE]);
  });
});

describe("rows past their time", () => {
  test("on a key of its own one is gone at once", async () => {
    expect(await write("v", { expiresAt: us(1) })).toBe("applied");
    expect(await expiry()).toBe(GONE);
    expect(await get(store, ["1"])).toEqual([undefined]);
    await write("v", { expiresAt: -5 });
    expect(await expiry()).toBe(GONE);
  });

  test("beside living siblings one does no harm", async () => {
    await write("v", { expiresAt: us(AHEAD) });
    expect(await write("w", { expiresAt: us(1) })).toBe("applied");
    expect(await expiry()).toBe(AHEAD);
    expect(await get(store, ["1"], "v")).toEqual([hex(row({}))]);
  });

  test("a key that has expired is as if it had never been", async () => {
    const [seconds, micros] = await client.time();
    const soon = Number(seconds) * 1000 + Math.ceil(Number(micros) / 1000) + 30;
    await write("v", { expiresAt: us(soon), eventTime: NOW + 5 });
    await write("w", { expiresAt: us(soon), eventTime: NOW + 5 });
    while ((await client.exists(KEY)) === 1);
    expect(await write("v", { expiresAt: us(AHEAD) })).toBe("applied");
    expect(await expiry()).toBe(AHEAD);
    expect(await get(store, ["1"], "w")).toEqual([undefined]);
  });
});
