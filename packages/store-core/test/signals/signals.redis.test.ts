import { fileURLToPath } from "node:url";
import { isLarderError } from "@larder/schema";
import { type FreshnessSignal, readWatermark, type StoreSignal, storeSignals } from "@larder/store-core";
import { startProcess, startRedis, startRedisCluster, startTcpProxy, until } from "@larder/testkit";
import { expect, test } from "vitest";
import { keySlot } from "../../src/stores/redis/key-slot.ts";
import { rawClient } from "../stores/redis/harness.ts";
import { CALL, definitionsOf, kindOf, openShop, SCOPE, subscribed, take, takeUntil } from "./shop.ts";

const MARK_SCOPE = { project: "p", ...SCOPE };
const CHANNEL = "l::p:default:a:watermark";

/** The signals that a process sent, or failed to, while something runs. */
async function sentDuring(run: () => Promise<void>): Promise<readonly StoreSignal[]> {
  const sent: StoreSignal[] = [];
  const listen = (signal: unknown) => sent.push(signal as StoreSignal);
  storeSignals.subscribe(listen);
  await run();
  storeSignals.unsubscribe(listen);
  return sent;
}

test("a thousand writes are a few signals, and the last of them is told", async () => {
  await using server = await startRedis();
  await using shop = await openShop(definitionsOf(server.connectionString));
  const heard = await subscribed(shop.store);
  const started = performance.now();
  let last: number | undefined;
  const sent = await sentDuring(async () => {
    for (let id = 0; id < 1_000; id++) await shop.put([id]);
    const told = await takeUntil(
      heard,
      (signal) => signal.kind === "moved" && signal.entityKeys?.includes("999") === true,
    );
    last = told.at(-1)?.kind === "moved" ? (told.at(-1) as { sequence: number }).sequence : undefined;
    expect(new Set(told.map(kindOf))).toEqual(new Set(["moved"]));
  });
  // One at once, and then one per tenth of a second.
  expect(sent.length).toBeLessThanOrEqual(2 + (performance.now() - started) / 100);
  expect(sent.every(({ failed }) => failed === undefined)).toBe(true);
  expect((await readWatermark(shop.store, MARK_SCOPE, CALL))?.sequence).toBe(last);
  await heard.return?.();
});

test("a write that is not announced yet is announced by closing the store", async () => {
  await using server = await startRedis();
  await using reader = await openShop(definitionsOf(server.connectionString));
  const heard = await subscribed(reader.store);
  const writer = await openShop(definitionsOf(server.connectionString));
  await writer.put([1]);
  await writer.put([2]);
  await writer.store.close();
  await takeUntil(heard, (signal) => signal.kind === "moved" && signal.entityKeys?.includes("2") === true);
  await heard.return?.();
});

test.each(["cut", "hang"] as const)(
  "a subscriber whose road breaks (%s) while others write hears of a gap, and of how far it is when it is back",
  async (fail) => {
    await using server = await startRedis();
    await using proxy = await startTcpProxy(server);
    await using reader = await openShop(definitionsOf(proxy.connectionString));
    await using writer = await openShop(definitionsOf(server.connectionString));
    const heard = await subscribed(reader.store);
    await writer.put([1]);
    const first = await take(heard);
    expect(kindOf(first)).toBe("moved");
    proxy[fail]();
    if (fail === "cut") expect(kindOf(await take(heard))).toBe("disconnected");
    await writer.put([2]);
    const known = first.kind === "moved" ? first.sequence : 0;
    await until(20_000, "the watermark has moved", async () => {
      return ((await readWatermark(writer.store, MARK_SCOPE, CALL))?.sequence ?? 0) > known;
    });
    if (fail === "hang") expect(kindOf(await take(heard))).toBe("disconnected");
    proxy.resume();
    const back = await take(heard);
    expect(kindOf(back)).toBe("subscribed");
    expect(back).toMatchObject({ watermark: await readWatermark(writer.store, MARK_SCOPE, CALL) });
    await writer.put([3]);
    expect(await take(heard)).toMatchObject({ kind: "moved", entityKeys: ["3"] });
    await heard.return?.();
  },
);

test("a lost connection during which nothing was written is no gap but the loss itself", async () => {
  await using server = await startRedis();
  await using proxy = await startTcpProxy(server);
  await using reader = await openShop(definitionsOf(proxy.connectionString));
  await using writer = await openShop(definitionsOf(server.connectionString));
  const heard = await subscribed(reader.store);
  proxy.cut();
  expect(kindOf(await take(heard))).toBe("disconnected");
  proxy.resume();
  await using client = await rawClient(server);
  await until(20_000, "it listens again", async () =>
    String(await client.call("PUBSUB", "SHARDNUMSUB", CHANNEL)).endsWith(",1"),
  );
  await writer.put([1]);
  const next = await take(heard);
  // The watermark may be read after the write; then it is that which is told.
  expect(["moved", "subscribed"]).toContain(kindOf(next));
  await heard.return?.();
});

test("a signal that comes twice is told once, one that is lost shows as a gap, and nonsense on the channel is one, too", async () => {
  await using server = await startRedis();
  await using client = await rawClient(server);
  await using shop = await openShop(definitionsOf(server.connectionString));
  const heard = await subscribed(shop.store);
  const publish = (...lines: readonly (string | number)[]) => client.spublish(CHANNEL, lines.join("\n"));
  await publish(0, 10, 5, 6, "", "1");
  await publish(0, 10, 5, 6, "", "1");
  await publish(10, 11, 5, 7, "", "2");
  await publish(0, 10, 5, 6, "", "1");
  await publish(12, 13, 5, 8, "*");
  await publish("what", "is", "this");
  const told = [];
  for (let i = 0; i < 5; i++) told.push(await take(heard));
  expect(told.map(kindOf)).toEqual(["moved", "moved", "missed", "moved", "missed"]);
  expect(told[2]).toMatchObject({ watermark: { sequence: 13, eventTime: 5, writeTime: 8 } });
  expect(told[3]).toMatchObject({ entityKeys: undefined });
  await heard.return?.();
});

test("a subscriber that does not listen loses what waits, hears so, and holds no more than its bound", async () => {
  await using server = await startRedis();
  await using client = await rawClient(server);
  await using shop = await openShop(definitionsOf(server.connectionString));
  const [idle, busy] = [await subscribed(shop.store), await subscribed(shop.store)];
  for (let sequence = 1; sequence <= 1_500; sequence++) {
    void client.spublish(CHANNEL, [sequence - 1, sequence, 5, 6, "", "1"].join("\n"));
  }
  const isLast = (signal: FreshnessSignal) => signal.kind === "moved" && signal.sequence === 1_500;
  // Both hear a message in one step: what one has, the other has.
  await takeUntil(busy, isLast);
  const told = await takeUntil(idle, isLast);
  expect(told.map(kindOf)).toEqual(["overflow", ...new Array(499).fill("moved")]);
  await busy.return?.();
  await idle.return?.();
});

test("a writer that is killed between rows and signal leaves rows that nobody announces", async () => {
  await using server = await startRedis();
  await using reader = await openShop(definitionsOf(server.connectionString));
  const heard = await subscribed(reader.store);
  const source = fileURLToPath(new URL("dying-writer.ts", import.meta.url));
  await using writer = await startProcess(process.execPath, [
    "--conditions=@larder/source",
    source,
    server.connectionString,
  ]);
  await writer.waitForLine(/written/, 60_000);
  writer.signal("SIGKILL");
  await writer.waitForExit();
  const first = await take(heard);
  expect(first).toMatchObject({ kind: "moved", entityKeys: ["1"] });
  // The row is there; the next signal is that of the next write, and names it alone.
  const rows = [];
  for await (const { entityKey } of reader.store.scan(SCOPE, CALL)) rows.push(entityKey);
  expect(rows.sort()).toEqual(["1", "2"]);
  await reader.put([3]);
  expect(await take(heard)).toMatchObject({ kind: "moved", entityKeys: ["3"] });
  await heard.return?.();
});

test("a user without the right to channels writes on, its signals are counted as failed, and subscribing says what is missing", async () => {
  const rights =
    "-@all +hello +select +ping +scan +hmget +hget +hgetall +hscan +hset +hdel +hlen +exists +persist +pexpireat +unlink +time +eval +evalsha +eval_ro +evalsha_ro";
  const keys = "~l:p:* ~l::p:*";
  await using server = await startRedis({
    acl: [
      "user default on nopass ~* &* +@all",
      `user deaf on >pw resetchannels ${keys} ${rights} +spublish +ssubscribe`,
      `user whole on >pw resetchannels ${keys} &l::p:* ${rights} +spublish +ssubscribe`,
    ],
  });
  const as = (name: string) => definitionsOf(`${server.connectionString},username=${name},password=pw`);
  const sent = await sentDuring(async () => {
    await using deaf = await openShop(as("deaf"));
    expect((await deaf.put([1])).applied).toBe(1);
    const failure = await take(deaf.store.subscribe(SCOPE, CALL)).catch((error: unknown) => error);
    expect(isLarderError(failure, "STORE_MISCONFIGURED")).toBe(true);
    expect(String(failure)).toContain("+spublish +ssubscribe &l::*");
    expect((await deaf.put([2])).applied).toBe(1);
  });
  expect(new Set(sent.map(({ failed }) => failed))).toEqual(new Set(["STORE_MISCONFIGURED"]));
  await using whole = await openShop(as("whole"));
  const heard = await subscribed(whole.store);
  await whole.put([3]);
  expect(kindOf(await take(heard))).toBe("moved");
  await heard.return?.();
});

test("in a cluster a view's channel is on the node that holds its watermark, and the subscription follows it to another", async () => {
  await using cluster = await startRedisCluster();
  const definitions = definitionsOf(cluster.connectionString, ", redis_type: redis_cluster");
  await using shop = await openShop(definitions);
  const heard = await subscribed(shop.store);
  await shop.put([1]);
  expect(await take(heard)).toMatchObject({ kind: "moved", entityKeys: ["1"] });
  const slot = keySlot(CHANNEL);
  const from = Math.floor(slot / (16_384 / 3));
  const to = (from + 1) % 3;
  await cluster.startMove(slot, from, to);
  while ((await cluster.moveKeys(slot, from, to, 10)) > 0);
  await cluster.endMove(slot, from, to);
  expect(kindOf(await take(heard))).toBe("disconnected");
  let id = 1;
  let followed = false;
  const told = takeUntil(heard, (signal) => signal.kind === "moved").then(() => {
    followed = true;
  });
  await until(30_000, "the channel is heard on its new node", async () => {
    await shop.put([++id]);
    return followed;
  });
  await told;
  await heard.return?.();
});
