import { scheduler } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type RedisServer, redisCommand, seededRandom, startProcess, testSeed } from "@larder/testkit";
import { expect } from "vitest";
import { get, hex, openStore, rawClient } from "./harness.ts";
import { rivalRows, winners } from "./rival-rows.ts";

const WRITER = fileURLToPath(import.meta.resolve("./writer.ts"));

/** Five processes start and work on what may be two busy cores. */
const PATIENCE = 60_000;

function startWriter(server: RedisServer, dataSeed: number, orderSeed: number) {
  const args = ["--conditions=@larder/source", WRITER, server.connectionString, `${dataSeed}`, `${orderSeed}`];
  return startProcess(process.execPath, args);
}

/** Four processes write the same rows, each in its own order, one of them is killed on its way and a fifth takes its place; the server forgets its scripts again and again. */
export async function expectOneEnd(server: RedisServer): Promise<void> {
  const random = seededRandom(testSeed());
  const seed = random.integer(0, 2 ** 30);
  const rows = rivalRows(seed);
  const killed = await startWriter(server, seed, random.integer(0, 2 ** 30));
  const writers = await Promise.all([1, 2, 3].map(() => startWriter(server, seed, random.integer(0, 2 ** 30))));
  await killed.waitForLine(/started/, PATIENCE);
  killed.signal("SIGKILL");
  await killed.waitForExit();
  let writing = true;
  const forgetting = (async () => {
    while (writing) {
      await redisCommand(server.port, "SCRIPT", "FLUSH");
      await scheduler.wait(5);
    }
  })();
  writers.push(await startWriter(server, seed, random.integer(0, 2 ** 30)));
  const applied: number[] = [];
  for (const writer of writers) {
    const line = await writer.waitForLine(/^applied/, PATIENCE);
    expect(await writer.waitForExit()).toEqual({ code: 0, signal: null });
    applied.push(...(JSON.parse(line.slice("applied ".length)) as number[]));
  }
  writing = false;
  await forgetting;
  expect(new Set(applied).size, "no row is applied twice").toBe(applied.length);
  await using client = await rawClient(server);
  const store = await openStore(server);
  for (const [entityKey, winner] of winners(rows)) {
    expect(await get(store, [entityKey])).toEqual([hex(winner)]);
    // The key outlives the winner's own expiry only by what a row that was there before it had promised.
    const latest = Math.max(...rows.filter((each) => each.entityKey === entityKey).map((each) => each.expiresAt ?? 0));
    const expiry = await client.pexpiretime(`l:churn:default:{${entityKey}}`);
    expect(expiry).toBeGreaterThanOrEqual(Math.ceil((winner.expiresAt ?? 0) / 1000));
    expect(expiry).toBeLessThanOrEqual(Math.ceil(latest / 1000));
  }
  await store.close();
}
