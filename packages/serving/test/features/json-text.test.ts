import { expect, test } from "vitest";
import { numberText, valueWriter } from "../../src/features/json-text.ts";

test.each([
  [0, "0"],
  [-0, "-0"],
  [1, "1"],
  [29.85, "29.85"],
  [1e21, "1e+21"],
  [5e-324, "5e-324"],
  [Math.fround(0.1), "0.10000000149011612"],
  [Number.NaN, "null"],
  [Number.POSITIVE_INFINITY, "null"],
  [Number.NEGATIVE_INFINITY, "null"],
])("the number %s is written as %s", (value, expected) => {
  expect(numberText(value)).toBe(expected);
  if (expected !== "null") expect(Object.is(JSON.parse(expected), value)).toBe(true);
});

test.each([
  ["int32", -5, "-5"],
  ["int64", 9007199254740993n, "9007199254740993"],
  ["unix_timestamp", 1780272000n, "1780272000"],
  ["bool", false, "false"],
  ["string", 'a"\n\u2028é🙂', '"a\\"\\n\u2028é🙂"'],
  ["bytes", new Uint8Array([0, 255]), '"AP8="'],
  ["bytes", new Uint8Array(), '""'],
  ["list<string>", [], "[]"],
  ["list<int64>", [1n, 9007199254740993n], "[1,9007199254740993]"],
  ["list<float64>", [0.5, Number.NaN], "[0.5,null]"],
  ["list<bytes>", [new Uint8Array([1])], '["AQ=="]'],
  ["list<bool>", [true, false], "[true,false]"],
  ["string", null, "null"],
  ["list<string>", null, "null"],
] as const)("a %s is written as JSON", (type, value, expected) => {
  expect(valueWriter(type)(value)).toBe(expected);
});

test("bytes inside a larger buffer are written without their neighbours", () => {
  const whole = new Uint8Array([9, 9, 1, 2, 9]);
  expect(valueWriter("bytes")(whole.subarray(2, 4))).toBe(`"${Buffer.from([1, 2]).toString("base64")}"`);
});
