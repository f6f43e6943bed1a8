import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { RowMemory } from "../../src/decorators/row-memory.ts";
import { NearWorld } from "./near-cache-world.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function used(): number {
  collect();
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

test.each([
  ["rows of two views", 1, 60_000],
  ["absences", 1_000_000, 60_000],
])("what it says it takes is what it takes, within two fifths: %s", async (_, firstId, count) => {
  await using world = new NearWorld();
  for (let id = 1; id <= 100; id++) {
    await world.put(world.plain, "brief", id, id);
    await world.put(world.plain, "long", id, id);
  }
  const memory = new RowMemory(1e9);
  const ids = Array.from({ length: 100 }, (_, i) => i + firstId);
  const batch = await world.batch(ids, "default", {}, world.plain);
  const fill = (from: number, until: number) => {
    for (let at = from; at < until; at += 100) {
      const keys = ids.map((_, i) => String(at + i + 10_000_000));
      memory.remember(batch, { rowCount: 100, groups: [keys] }, "default", {
        readAt: world.clock.now() + at,
        since: at + 0.5,
      });
    }
  };
  // Code and tables first, so that only rows are measured.
  fill(0, 1_000);
  const [before, said] = [used(), memory.bytes];
  fill(1_000, count);
  const [took, says] = [used() - before, memory.bytes - said];
  expect(took / says).toBeGreaterThan(0.6);
  expect(took / says).toBeLessThan(1.4);
  const full = used();
  memory.clearAll();
  expect(memory.bytes).toBe(0);
  expect(full - used()).toBeGreaterThan(0.6 * took);
});

test("at its bound it takes no more, whatever comes and goes", async () => {
  await using world = new NearWorld();
  for (let id = 1; id <= 100; id++) await world.put(world.plain, "brief", id, id);
  const memory = new RowMemory(5_000_000);
  const ids = Array.from({ length: 100 }, (_, i) => i + 1);
  const batch = await world.batch(ids, "default", {}, world.plain);
  const before = used();
  for (let at = 0; at < 200_000; at += 100) {
    const keys = ids.map((_, i) => String(at + i));
    memory.remember(batch, { rowCount: 100, groups: [keys] }, "default", { readAt: at, since: at });
    expect(memory.bytes).toBeLessThanOrEqual(5_000_000);
    // Some are used again and again, so that what stays is not what came last.
    for (let hot = 0; hot < 50; hot++) memory.find(memory.of("default", "brief"), String(hot));
  }
  expect(memory.evictions).toBeGreaterThan(100_000);
  expect(memory.find(memory.of("default", "brief"), "7")).toBeDefined();
  expect(used() - before).toBeLessThan(1.4 * 5_000_000);
});
