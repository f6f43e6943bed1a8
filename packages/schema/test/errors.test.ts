import { exitCodeOf, isLarderError, LarderError } from "@larder/schema";
import { expect, test } from "vitest";

test("an error says the fact, then the remedy, and keeps its code", () => {
  const error = new LarderError("UNKNOWN_VIEW", { what: 'There is no feature view "x"', remedy: "Use one of: a" });
  expect(error.message).toBe('There is no feature view "x". Use one of: a.');
  expect(isLarderError(error, "UNKNOWN_VIEW")).toBe(true);
  expect(isLarderError(error, "UNKNOWN_FEATURE")).toBe(false);
  expect(isLarderError(new Error("x"))).toBe(false);
  expect(exitCodeOf(error)).toBe(2);
  expect(exitCodeOf(new Error("x"))).toBe(1);
});
