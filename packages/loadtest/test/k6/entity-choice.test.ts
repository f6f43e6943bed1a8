import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createEntityChoice } from "../../src/k6/entity-choice.ts";

test("the same seed and request get the same ids, whatever was asked before", () => {
  const one = createEntityChoice(100_000, "zipf", 7);
  const other = createEntityChoice(100_000, "zipf", 7);
  for (let request = 0; request < 50; request++) one.ids(request, 3);
  expect(other.ids(40, 100)).toEqual(one.ids(40, 100));
  expect(createEntityChoice(100_000, "zipf", 8).ids(40, 100)).not.toEqual(one.ids(40, 100));
});

test("ids are whole numbers from 1 to the count", () => {
  const choices = fc.record({
    count: fc.integer({ min: 1, max: 1_000_000 }),
    seed: fc.nat(),
    request: fc.nat(),
    spread: fc.constantFrom("uniform" as const, "zipf" as const),
  });
  fc.assert(
    fc.property(choices, ({ count, seed, request, spread }) => {
      const ids = createEntityChoice(count, spread, seed).ids(request, 20);
      expect(ids).toHaveLength(20);
      expect(ids.every((id) => Number.isInteger(id) && id >= 1 && id <= count)).toBe(true);
    }),
    propertySettings(200),
  );
});

test("uniform takes every id about as often", () => {
  const counts = countOf(createEntityChoice(10, "uniform", 1).ids(0, 100_000));
  expect(counts).toHaveLength(10);
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test("zipf's most popular ids come as often as the law says", () => {
  const drawn = 200_000;
  const counts = countOf(createEntityChoice(100_000, "zipf", 1).ids(0, drawn));
  let sum = 0;
  for (let rank = 1; rank <= 100_000; rank++) sum += rank ** -0.99;
  for (const rank of [1, 2, 3, 10]) {
    const expected = (drawn * rank ** -0.99) / sum;
    expect(Math.abs((counts[rank - 1] ?? 0) - expected)).toBeLessThan(expected * 0.1);
  }
});

/** How often each id came, the most popular first. */
function countOf(ids: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts.values()].sort((a, b) => b - a);
}
