import { type FeatureValue, SCALAR_TYPES, type ScalarType, type ValueType } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { BROKEN, decodeValue, encodeValue, OTHER_KIND } from "../../../../src/stores/redis/feast/value-codec.ts";
import { kindOf } from "../../../../src/stores/redis/feast/value-kinds.ts";
import { typeOf, VECTORS, valueOfGolden } from "./golden.ts";

const ALL_TYPES: readonly ValueType[] = [...SCALAR_TYPES, ...SCALAR_TYPES.map((type) => `list<${type}>` as const)];

function decode(type: ValueType, hex: string) {
  const bytes = Buffer.from(hex, "hex");
  return decodeValue(kindOf(type), bytes, 0, bytes.length);
}

function encode(type: ValueType, value: FeatureValue): string {
  return encodeValue(kindOf(type), value).toString("hex");
}

const known = VECTORS.values.flatMap(({ type, input, hex, sdk_decoded }) => {
  const mine = typeOf(type);
  return mine === undefined || hex === undefined || input === undefined || sdk_decoded === undefined
    ? []
    : [{ type: mine, input, hex, decoded: valueOfGolden(mine, sdk_decoded) }];
});

test("the golden file has values of every type", () => {
  expect(new Set(known.map(({ type }) => type))).toEqual(new Set(ALL_TYPES));
  expect(known.length).toBeGreaterThan(110);
});

test("Feast's bytes read as Feast reads them", () => {
  for (const { type, hex, decoded } of known) expect([type, hex, decode(type, hex)]).toEqual([type, hex, decoded]);
});

test("values are written in Feast's bytes", () => {
  for (const { type, hex, decoded } of known)
    expect([type, decoded, encode(type, decoded)]).toEqual([type, decoded, hex]);
});

test("NaN and empty bytes, which Feast writes as null, stay values", () => {
  expect(encode("float32", Number.NaN)).toBe("350000c07f");
  expect(encode("float64", Number.NaN)).toBe("29000000000000f87f");
  expect(encode("bytes", new Uint8Array(0))).toBe("0a00");
  expect(decode("float32", "350000c07f")).toBeNaN();
  expect(decode("bytes", "0a00")).toEqual(new Uint8Array(0));
});

test("both forms of null are null in every type", () => {
  for (const type of ALL_TYPES) {
    expect(encode(type, null)).toBe("");
    expect(decode(type, "")).toBeNull();
    expect(decode(type, "980100")).toBeNull();
  }
});

test("numbers of a list may stand alone, as old writers do it", () => {
  expect(decode("list<int64>", "7204080108ac")).toBe(BROKEN);
  expect(decode("list<int64>", "7205080108ac02")).toEqual([1n, 300n]);
  expect(decode("list<float32>", "82010a0d0000803f0d00000040")).toEqual([1, 2]);
  expect(decode("list<int64>", "72050a01010802")).toEqual([1n, 2n]);
});

test("a value of another of Feast's kinds is told apart from bytes that are none", () => {
  for (const { type, hex } of VECTORS.values) {
    if (hex === undefined || hex === "" || type === "NULL") continue;
    for (const mine of ALL_TYPES) {
      if (typeOf(type) === mine || (type.endsWith("_BYTES") && mine === "bytes")) continue;
      expect([type, mine, decode(mine, hex)]).toEqual([type, mine, OTHER_KIND]);
    }
  }
});

test("what no writer of Feast writes is broken: it is neither guessed nor cut", () => {
  const broken: readonly (readonly [ValueType, string, string])[] = [
    ["int64", "20", "no value"],
    ["int64", "2080", "a varint that does not end"],
    ["int64", "2080808080808080808002", "more than 64 bits"],
    ["int64", "208080808080808080808001", "more than ten bytes"],
    ["int64", "20052006", "two values"],
    ["int64", "200500", "something behind it"],
    ["int64", "220105", "another layout under its number"],
    ["int64", "f00105", "a number that Feast does not have"],
    ["int64", "00", "no number at all"],
    ["int32", "188080808008", "beyond 32 bits"],
    ["bool", "3802", "neither true nor false"],
    ["float32", "350000", "too few bytes"],
    ["float32", "35000000000000", "too many bytes"],
    ["string", "120261", "a length beyond the end"],
    ["string", "1201ff", "text that is not UTF-8"],
    ["list<string>", "62030a01ff", "text in a list that is not UTF-8"],
    ["list<int64>", "72021000", "another field in the list"],
    ["list<int32>", "6a030a0180", "a varint that does not end inside the list"],
    ["list<float32>", "8201050a03000080", "a number that does not fit"],
  ];
  for (const [type, hex, why] of broken) expect([why, decode(type, hex)]).toEqual([why, BROKEN]);
  expect(decode("string", "1203efbfbd")).toBe("\ufffd");
});

const scalars: Readonly<Record<ScalarType, fc.Arbitrary<number | bigint | boolean | string | Uint8Array>>> = {
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float32: fc.float(),
  float64: fc.double(),
  bool: fc.boolean(),
  string: fc.string({ unit: "grapheme" }),
  bytes: fc.uint8Array(),
  unix_timestamp: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -9n, max: 9n })),
};

for (const type of ALL_TYPES) {
  const scalar = scalars[kindOf(type).scalar];
  const values: fc.Arbitrary<FeatureValue> = type.startsWith("list<") ? fc.array(scalar) : scalar;

  test(`every ${type} comes back from its bytes, and no part of them is taken for something else`, () => {
    const kind = kindOf(type);
    fc.assert(
      fc.property(values, fc.nat(40), fc.nat(), (value, before, cut) => {
        const bytes = encodeValue(kind, value);
        const framed = Buffer.concat([Buffer.alloc(before, 0xff), bytes, Buffer.alloc(9, 0xff)]);
        expect(decodeValue(kind, framed, before, before + bytes.length)).toEqual(value);
        const length = 1 + (cut % Math.max(1, bytes.length - 1));
        if (length < bytes.length) expect(decodeValue(kind, framed, before, before + length)).toBe(BROKEN);
      }),
      propertySettings(300),
    );
  });
}

test("no bytes make the decoder throw or read outside, and what it accepts has its type", () => {
  const mutated = fc
    .tuple(fc.constantFrom(...known), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
    .map(([{ hex }, changes]) => {
      const bytes = Buffer.from(hex, "hex");
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(
      fc.constantFrom(...ALL_TYPES),
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
        mutated,
      ),
      (type, bytes) => {
        const kind = kindOf(type);
        const value = decodeValue(kind, bytes, 0, bytes.length);
        if (value === BROKEN || value === OTHER_KIND) return;
        expect(decodeValue(kind, encodeValue(kind, value), 0, encodeValue(kind, value).length)).toEqual(value);
      },
    ),
    propertySettings(5_000),
  );
});
