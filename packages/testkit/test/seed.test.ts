import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { propertySettings, runProcess, seededRandom, testRuns, testSeed } from "../src/index.ts";

test("LARDER_SEED decides the seed, LARDER_RUNS multiplies the runs", () => {
  expect(testSeed({ LARDER_SEED: "42" })).toBe(42);
  expect(testRuns(100, {})).toBe(100);
  expect(testRuns(100, { LARDER_RUNS: "30" })).toBe(3_000);
  expect(propertySettings(10, { LARDER_SEED: "7", LARDER_RUNS: "2" })).toEqual({ seed: 7, numRuns: 20 });
});

test("a seed or factor that is no whole number in range is refused by name", () => {
  for (const bad of ["-1", "1.5", "x", "2147483648", "99999999999999999999"]) {
    expect(() => testSeed({ LARDER_SEED: bad })).toThrow(
      /LARDER_SEED is ".*". Give a whole number from 0 to 2147483647/,
    );
  }
  expect(() => testRuns(1, { LARDER_RUNS: "0" })).toThrow(/LARDER_RUNS is "0"/);
});

test("without LARDER_SEED a process draws one seed, keeps it and prints how to replay it", async () => {
  const script = fileURLToPath(new URL("fixtures/print-seeds.ts", import.meta.url));
  const { stdout } = await runProcess(process.execPath, ["--conditions=@larder/source", script], {
    env: { LARDER_SEED: undefined },
  });
  const seeds = /^seed (\d+) \(replay with LARDER_SEED=\1\)\n\1\n\1\n$/.exec(stdout);
  expect(seeds, stdout).not.toBeNull();
});

test("equal seeds give equal sequences, other seeds other ones", () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return Array.from({ length: 50 }, () => random.next());
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
});

test("the sequence of a seed never changes, so that seeded data stays what it was", () => {
  const random = seededRandom(12_345);
  expect([random.integer(0, 999_999), random.integer(0, 999_999), random.integer(0, 999_999)]).toEqual([
    880_578, 40_093, 477_955,
  ]);
});

test("numbers spread evenly over [0, 1), integers include both ends", () => {
  const random = seededRandom(3);
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) tenths[Math.floor(random.next() * 10)]! += 1;
  // Each tenth expects 1,000 with a standard deviation of 30: 200 off is no chance.
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(200);
  const dice = new Set(Array.from({ length: 200 }, () => random.integer(1, 6)));
  expect([...dice].sort()).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a shuffle is a permutation and leaves its list alone", () => {
  const items = Object.freeze(["a", "b", "c", "d", "e", "f", "g", "h"]);
  const shuffled = seededRandom(9).shuffle(items);
  expect([...shuffled].sort()).toEqual(items);
  expect(shuffled).not.toEqual(items);
  expect(items).toContain(seededRandom(9).pick(items));
  expect(() => seededRandom(9).pick([])).toThrow(RangeError);
});
