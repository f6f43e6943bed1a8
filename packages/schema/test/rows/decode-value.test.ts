import {
  decodeFeatureValue,
  decodeKeyValue,
  type FeatureValue,
  type KeyType,
  type KeyValue,
  type ValueType,
} from "@larder/schema";
import { expect, test } from "vitest";

const TAKEN: readonly (readonly [type: ValueType, given: unknown, value: FeatureValue])[] = [
  ["int32", 0, 0],
  ["int32", 1.0, 1],
  ["int32", -2147483648, -2147483648],
  ["int32", 2147483647n, 2147483647],
  ["int64", 1.0, 1n],
  ["int64", -(2n ** 63n), -(2n ** 63n)],
  ["int64", 2n ** 63n - 1n, 2n ** 63n - 1n],
  ["int64", Number.MAX_SAFE_INTEGER, 9007199254740991n],
  ["int64", "9007199254740993", 9007199254740993n],
  ["int64", "-9223372036854775808", -9223372036854775808n],
  ["int64", "0", 0n],
  ["float32", 1, 1],
  ["float32", 0.1, Math.fround(0.1)],
  ["float32", 16777217, 16777216],
  ["float32", 3.4e38, Math.fround(3.4e38)],
  ["float32", Number.NaN, Number.NaN],
  ["float32", -Infinity, -Infinity],
  ["float32", 5n, 5],
  ["float64", -0, -0],
  ["float64", 1e308, 1e308],
  ["float64", Number.NaN, Number.NaN],
  ["float64", 2n ** 70n, 2 ** 70],
  ["bool", true, true],
  ["bool", false, false],
  ["string", "", ""],
  ["string", "é😀\0", "é😀\0"],
  ["bytes", "", new Uint8Array()],
  ["bytes", "AP8=", new Uint8Array([0, 255])],
  ["bytes", new Uint8Array([1]), new Uint8Array([1])],
  ["unix_timestamp", 1_780_000_000, 1_780_000_000n],
  ["unix_timestamp", -1n, -1n],
  ["unix_timestamp", new Date(1_780_000_000_000), 1_780_000_000n],
  ["list<int64>", [], []],
  ["list<int64>", [1, "2", 3n], [1n, 2n, 3n]],
  ["list<float32>", [0.1, Number.NaN], [Math.fround(0.1), Number.NaN]],
  ["list<string>", ["a", ""], ["a", ""]],
  ["list<bytes>", ["aGk="], [new Uint8Array([104, 105])]],
  ["list<bool>", [true], [true]],
  ["int64", null, null],
  ["list<int64>", null, null],
];

test.each(TAKEN)("%s takes %o", (type, given, value) => {
  expect(decodeFeatureValue(type, given)).toEqual({ ok: true, value });
});

const REFUSED: readonly (readonly [type: ValueType, given: unknown, what: string])[] = [
  ["int32", 1.5, "is 1.5, not a whole number"],
  ["int32", 2147483648, "is 2147483648, beyond int32"],
  ["int32", -2147483649n, "is -2147483649, beyond int32"],
  ["int32", "1", 'is "1", not int32'],
  ["int32", Number.NaN, "is NaN, not a whole number"],
  ["int32", true, "is true, not int32"],
  ["int64", 1.5, "is 1.5, not a whole number"],
  ["int64", 2 ** 53, "is 9007199254740992, a number that JavaScript no longer holds exactly"],
  ["int64", 1e20, "is 100000000000000000000, a number that JavaScript no longer holds exactly"],
  ["int64", 2n ** 63n, "is 9223372036854775808, beyond int64"],
  ["int64", "9223372036854775808", "is 9223372036854775808, beyond int64"],
  ["int64", "99999999999999999999", 'is "99999999999999999999", not a whole number in decimal digits'],
  ["int64", "007", 'is "007", not a whole number in decimal digits'],
  ["int64", "1.0", 'is "1.0", not a whole number in decimal digits'],
  ["int64", "-0", 'is "-0", not a whole number in decimal digits'],
  ["int64", "", 'is "", not a whole number in decimal digits'],
  ["int64", " 1", 'is " 1", not a whole number in decimal digits'],
  ["int64", "0x10", 'is "0x10", not a whole number in decimal digits'],
  ["int64", Infinity, "is Infinity, not a whole number"],
  ["int64", false, "is false, not int64"],
  ["int64", [1], "is a list, not int64"],
  ["float32", 1e39, "is 1e+39, beyond float32"],
  ["float32", -3.5e38, "is -3.5e+38, beyond float32"],
  ["float32", 10n ** 39n, "is 1000000000000000000000000000000000000000, beyond float32"],
  ["float64", 10n ** 400n, "is an integer beyond float64"],
  ["float64", "1.5", 'is "1.5", not a number'],
  ["float64", "NaN", 'is "NaN", not a number'],
  ["float64", "Infinity", 'is "Infinity", not a number'],
  ["float64", true, "is true, not a number"],
  ["bool", 0, "is 0, not bool"],
  ["bool", 1n, "is 1, not bool"],
  ["bool", "true", 'is "true", not bool'],
  ["string", 1, "is 1, not a string"],
  ["string", "a\ud800", "holds half of a surrogate pair, which is no Unicode text"],
  ["string", {}, "is an object, not a string"],
  ["string", new Uint8Array(1), "is bytes, not a string"],
  ["bytes", "aGk", 'is "aGk", not base64'],
  ["bytes", "aGk=\n", 'is "aGk=\\n", not base64'],
  ["bytes", "aGl=", 'is "aGl=", not base64'],
  ["bytes", "_-8=", 'is "_-8=", not base64'],
  ["bytes", 1, "is 1, not bytes"],
  ["bytes", [1], "is a list, not bytes"],
  ["unix_timestamp", 1.5, "is 1.5, not a whole number"],
  ["unix_timestamp", "1780000000", 'is "1780000000", not unix_timestamp'],
  ["unix_timestamp", new Date(1500), "is a Date with a fraction of a second"],
  ["unix_timestamp", new Date(Number.NaN), "is an invalid Date"],
  ["list<int64>", 1, "is 1, not list<int64>"],
  ["list<int64>", "1", 'is "1", not list<int64>'],
  ["list<int64>", {}, "is an object, not list<int64>"],
  ["list<int64>", [1, null], "has null at [1], and a list holds no nulls"],
  ["list<int64>", [1, undefined], "has null at [1], and a list holds no nulls"],
  ["list<int64>", [1, 1.5], "at [1] is 1.5, not a whole number"],
  ["list<int64>", [[1]], "at [0] is a list, not int64"],
  ["list<float32>", [1e39], "at [0] is 1e+39, beyond float32"],
  ["string", undefined, "is missing"],
  ["int64", undefined, "is missing"],
  ["string", Symbol("x"), "is a symbol, not a string"],
];

test.each(REFUSED)("%s refuses %o", (type, given, what) => {
  const decoded = decodeFeatureValue(type, given);
  expect(decoded).toMatchObject({ ok: false, what });
  expect(decoded.ok ? "" : decoded.remedy).toMatch(/^[A-Z].*[^.]$/);
});

const KEYS: readonly (readonly [type: KeyType, given: unknown, value: KeyValue])[] = [
  ["int32", 7, 7],
  ["int32", -0, 0],
  ["int64", "9007199254740993", 9007199254740993n],
  ["string", "", ""],
  ["string", "x".repeat(1024), "x".repeat(1024)],
  ["string", "é".repeat(512), "é".repeat(512)],
  ["bytes", "AA==", new Uint8Array([0])],
  ["unix_timestamp", 0, 0n],
];

test.each(KEYS)("a join key of %s takes %o", (type, given, value) => {
  const decoded = decodeKeyValue(type, given);
  expect(decoded).toEqual({ ok: true, value });
  if (decoded.ok && typeof decoded.value === "number") expect(Object.is(decoded.value, -0)).toBe(false);
});

test.each<readonly [KeyType, unknown, string]>([
  ["int64", null, "is null"],
  ["string", undefined, "is missing"],
  ["string", "x".repeat(1025), "is 1025 bytes long"],
  ["string", `${"é".repeat(512)}x`, "is 1025 bytes long"],
  ["bytes", new Uint8Array(1025), "is 1025 bytes long"],
  ["int32", 1.5, "is 1.5, not a whole number"],
])("a join key of %s refuses %o", (type, given, what) => {
  expect(decodeKeyValue(type, given)).toMatchObject({ ok: false, what });
});

test("messages stay short, whatever is sent", () => {
  const decoded = decodeFeatureValue("int64", "9".repeat(1_000_000));
  expect(decoded.ok ? "" : decoded.what).toHaveLength('is "", not a whole number in decimal digits'.length + 61);
});
