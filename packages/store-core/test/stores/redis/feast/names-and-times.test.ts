import { MAX_ONLINE_MICROS } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import { anyString } from "@larder/testkit/any-string";
import fc from "fast-check";
import { expect, test } from "vitest";
import { featureField, markField, timeField } from "../../../../src/stores/redis/feast/field-names.ts";
import { murmur3 } from "../../../../src/stores/redis/feast/mmh3.ts";
import { decodeTimestamp, encodeTimestamp } from "../../../../src/stores/redis/feast/timestamp-codec.ts";
import { VECTORS } from "./golden.ts";

test("murmur3 of known texts", () => {
  expect(murmur3(Buffer.from("foo"))).toBe(4_138_058_784);
  expect(murmur3(Buffer.from(""))).toBe(0);
  for (const { view, feature, u32 } of VECTORS.fields) expect(murmur3(Buffer.from(`${view}:${feature}`))).toBe(u32);
});

test("fields have Feast's names", () => {
  for (const { view, feature, hex } of VECTORS.fields) expect(featureField(view, feature).toString("hex")).toBe(hex);
  for (const { view, hex } of VECTORS.ts_fields) expect(timeField(view).toString("hex")).toBe(hex);
});

test("the mark is no field of Feast's", () => {
  const names = anyString({ minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(names, names, (one, other) => {
      expect(markField(one)).toHaveLength(5);
      expect(timeField(other).equals(markField(one))).toBe(false);
    }),
    propertySettings(300),
  );
});

test("times are Feast's Timestamps, the epoch an empty one", () => {
  for (const { seconds, nanos, hex } of VECTORS.timestamps) {
    const micros = seconds * 1e6 + nanos / 1000;
    const bytes = Buffer.from(hex, "hex");
    if (Math.abs(micros) > MAX_ONLINE_MICROS) {
      expect(decodeTimestamp(bytes, 0, bytes.length)).toBeUndefined();
    } else {
      expect(decodeTimestamp(bytes, 0, bytes.length)).toBe(micros);
      expect(encodeTimestamp(micros).toString("hex")).toBe(hex);
    }
  }
});

test("every time that Larder holds comes back", () => {
  fc.assert(
    fc.property(fc.integer({ min: -MAX_ONLINE_MICROS, max: MAX_ONLINE_MICROS }), (micros) => {
      const bytes = encodeTimestamp(micros);
      expect(decodeTimestamp(bytes, 0, bytes.length)).toBe(micros);
    }),
    propertySettings(2_000),
  );
});

test("parts of a microsecond are left out; what is no Timestamp is none", () => {
  const decode = (hex: string) => decodeTimestamp(Buffer.from(hex, "hex"), 0, hex.length / 2);
  expect(decode("080110cf0f")).toBe(1_000_001);
  for (const hex of ["08", "0880", "10ffffffffffffffffff01", "1080a8d6b907", "1a00", "ff", "0a0101"]) {
    expect([hex, decode(hex)]).toEqual([hex, undefined]);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
      const micros = decodeTimestamp(Buffer.from(bytes), 0, bytes.length);
      expect(micros === undefined || Number.isSafeInteger(micros)).toBe(true);
    }),
    propertySettings(2_000),
  );
});
