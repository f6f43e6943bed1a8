import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { findView, isLarderError } from "@larder/schema";
import { startLeakCheck, startRedis, startTcpProxy, until } from "@larder/testkit";
import { afterAll, expect, test } from "vitest";
import { openOnlineStore } from "../../src/open-online-store.ts";
import { openStore, row, SCOPE } from "../stores/redis/harness.ts";
import { faultDefinitions, historyClock, Reading, rowOf } from "./world.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes held after a collection: objects, and the buffers outside of the heap. */
async function heldBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What a flat memory may differ by from one look to the next. */
const NOISE_BYTES = 6_000_000;

/** As many as a minute of 1,000 requests a second brings. */
const REQUESTS = 60_000;
const AT_ONCE = 500;

/** Makes calls, some hundred at once, and answers how many failed as an outage explains. */
async function bombard(count: number, call: (order: number) => Promise<unknown>): Promise<number> {
  let failed = 0;
  for (let at = 0; at < count; at += AT_ONCE) {
    const calls = Array.from({ length: AT_ONCE }, (_, i) =>
      call(at + i).catch((error: unknown) => {
        if (!isLarderError(error, "STORE_UNAVAILABLE", "STORE_TIMEOUT")) throw error;
        failed++;
      }),
    );
    await Promise.all(calls);
    // What is refused at once would never let the server's answers in.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return failed;
}

test.each(["cut", "hang"] as const)(
  "a minute's requests in an outage (%s) leave nothing behind, behind the circuit",
  async (fail) => {
    await using server = await startRedis();
    await using road = await startTcpProxy(server);
    const definitions = faultDefinitions(`connection_string: "${road.connectionString}"`, ["default"]);
    await using store = await openOnlineStore(definitions, { clock: historyClock });
    const reading = new Reading(definitions);
    const view = findView(definitions, "state");
    const keys = reading.keys([1, 2, 3]);
    const call = (order: number) =>
      order % 10 === 0
        ? store.write(view, [rowOf("default", view, 1, historyClock.now())], { tenant: "default" })
        : store.read(reading.plan, keys, { tenant: "default" });
    await bombard(5_000, call);
    road[fail]();
    await bombard(5_000, call);
    const before = await heldBytes();
    expect(await bombard(REQUESTS, call)).toBe(REQUESTS);
    expect((await heldBytes()) - before).toBeLessThan(NOISE_BYTES);
  },
);

test("calls that time out by the thousand fill the queue to its bound, and nothing of them is left when the server is back", async () => {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await startRedis());
  const road = opened.use(await startTcpProxy(server));
  const store = await openStore(road, { readDeadlineMs: 20, writeDeadlineMs: 20 });
  opened.defer(() => store.close());
  const rows = Array.from({ length: 20 }, (_, i) => row({ entityKey: `${i}`, values: "x".repeat(1_000) }));
  const call = () => store.putIfNewer(SCOPE, rows, { tenant: "default" });
  await bombard(2_000, call);
  const before = await heldBytes();
  road.hang();
  // Each holds 20 kB until it is answered: 32 MB are 1,600 of them.
  await bombard(2_500, call);
  const full = await heldBytes();
  await expect(call()).rejects.toThrow("too far behind");
  expect(await bombard(10_000, call)).toBe(10_000);
  expect((await heldBytes()) - full).toBeLessThan(NOISE_BYTES);
  road.resume();
  await until(30_000, "the store answers", async () => (await call()).length === rows.length);
  expect((await heldBytes()) - before).toBeLessThan(NOISE_BYTES);
});
