import { expect, test } from "vitest";
import { extendPosition } from "../src/position.ts";
import { checkWindow } from "../src/window.ts";

const at = (start: number, end: number, created?: number) => ({ start, end, created, ranAt: undefined });

test("the first window is the position", () => {
  expect(extendPosition(undefined, { start: 10, end: 20 }, 15)).toEqual(at(10, 20, 15));
});

test.each([
  ["overlaps at the end", { start: 15, end: 30 }, at(10, 30, 8)],
  ["follows to the microsecond", { start: 21, end: 30 }, at(10, 30, 8)],
  ["overlaps at the start", { start: 5, end: 10 }, at(5, 20, 8)],
  ["ends right before the start", { start: 5, end: 9 }, at(5, 20, 8)],
  ["holds it all", { start: 0, end: 40 }, at(0, 40, 9)],
])(
  "a window that %s extends it, and its created time counts only where it has seen everything",
  (_, window, expected) => {
    expect(extendPosition(at(10, 20, 8), window, 9)).toEqual(expected);
  },
);

test.each([
  ["leaves a gap after it", { start: 22, end: 30 }],
  ["leaves a gap before it", { start: 0, end: 8 }],
])("a window that %s leaves it as it is, created time included", (_, window) => {
  const before = at(10, 20, 8);
  expect(extendPosition(before, window, 99)).toBe(before);
});

test("a window inside it changes nothing, whatever it has seen: a late row may lie outside of it", () => {
  const before = at(10, 20, 8);
  expect(extendPosition(before, { start: 12, end: 18 }, 7)).toBe(before);
  expect(extendPosition(before, { start: 12, end: 18 }, undefined)).toBe(before);
  expect(extendPosition(before, { start: 12, end: 18 }, 9)).toBe(before);
  expect(extendPosition(before, { start: 10, end: 20 }, 9)).toEqual(at(10, 20, 9));
});

test.each([
  ["start after end", { start: 2, end: 1 }],
  ["a fraction", { start: 0.5, end: 1 }],
  ["beyond online times", { start: 0, end: 2 ** 53 }],
])("a window with %s is refused", (_, window) => {
  expect(() => checkWindow(window)).toThrow(expect.objectContaining({ code: "INVALID_REQUEST" }));
});

test("a window of one microsecond is one", () => {
  expect(checkWindow({ start: 1, end: 1 })).toEqual({ start: 1, end: 1 });
});
