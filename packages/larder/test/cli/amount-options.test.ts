import { expect, test } from "vitest";
import { countOption, sizeOption } from "../../src/cli/amount-options.ts";

test.each([
  ["1", 1],
  ["250000", 250_000],
  ["16M", 16_000_000],
  ["1.5G", 1_500_000_000],
  ["0.001k", 1],
  ["1000G", 1e12],
])("%s is %d", (text, count) => expect(countOption("--entities", text)).toBe(count));

test.each([
  "",
  "0",
  "-1",
  "1e6",
  "16m",
  "1,5M",
  "1.5",
  "0.0001k",
  "16 M",
  "M",
  ".5M",
  "1001G",
  "9".repeat(40),
  "1_000",
])("%j is no count", (text) =>
  expect(() => countOption("--entities", text)).toThrow(/^--entities is ".*Give a whole number/),
);

test("sizes have a unit and are more than nothing", () => {
  expect(sizeOption("--node-memory", "16GiB")).toBe(16 * 1024 ** 3);
  for (const text of ["16", "16 GiB", "1.5GiB", "0GB", ""]) {
    expect(() => sizeOption("--node-memory", text)).toThrow(/^--node-memory is /);
  }
});
