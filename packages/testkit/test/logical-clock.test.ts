import { expect, test } from "vitest";
import { logicalClock } from "../src/index.ts";

test("a logical clock stands still until it is moved, either way", () => {
  const clock = logicalClock(1_000);
  expect(clock.now()).toBe(1_000);
  expect(clock.now()).toBe(1_000);
  clock.advance(500);
  expect(clock.now()).toBe(1_500);
  clock.advance(-2_000);
  expect(clock.now()).toBe(-500);
  clock.set(7);
  expect(clock.now()).toBe(7);
});

test("a time that is no whole microsecond within 2^53 is refused and changes nothing", () => {
  const clock = logicalClock(5);
  for (const bad of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    expect(() => clock.set(bad)).toThrow(RangeError);
    expect(() => clock.advance(bad)).toThrow(RangeError);
    expect(() => logicalClock(bad)).toThrow(RangeError);
  }
  expect(clock.now()).toBe(5);
});
