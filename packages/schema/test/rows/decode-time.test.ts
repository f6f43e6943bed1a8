import { MAX_ONLINE_MICROS } from "@larder/schema";
import { expect, test } from "vitest";
import type { TimeUnit } from "../../src/definitions.ts";
import { timeDecoder } from "../../src/rows/decode-time.ts";

const micros = (value: unknown, unit?: TimeUnit) => timeDecoder(unit)(value);

test("texts, dates and bigint microseconds are times in any view", () => {
  for (const unit of [undefined, "s", "ms", "us"] as const) {
    expect(micros("1970-01-01T00:00:01.5Z", unit)).toBe(1_500_000);
    expect(micros(new Date(1500), unit)).toBe(1_500_000);
    expect(micros(1_500_000n, unit)).toBe(1_500_000);
    expect(micros(BigInt(-MAX_ONLINE_MICROS), unit)).toBe(-MAX_ONLINE_MICROS);
  }
});

test("a bare number is a time only where the view states its unit, and then exactly", () => {
  expect(micros(1_780_000_000)).toMatchObject({ what: expect.stringContaining("bare number 1780000000") });
  expect(micros(1_780_000_000, "s")).toBe(1_780_000_000_000_000);
  expect(micros(1_780_000_000.123456, "s")).toBe(1_780_000_000_123_456);
  expect(micros(-0.1, "s")).toBe(-100_000);
  expect(micros(0.000001, "s")).toBe(1);
  expect(micros(1_780_000_000_123.456, "ms")).toBe(1_780_000_000_123_456);
  expect(micros(1_780_000_000_123_456, "us")).toBe(1_780_000_000_123_456);
  expect(micros(0, "us")).toBe(0);
});

test.each<readonly [unknown, TimeUnit | undefined, string]>([
  [1.5, "us", "is 1.5, finer than a microsecond"],
  [0.0000001, "s", "is 1e-7, finer than a microsecond"],
  [1.0001, "ms", "is 1.0001, finer than a microsecond"],
  [1.78e18, "s", "beyond the times"],
  [1e300, "us", "beyond the times"],
  [Number.NaN, "s", "beyond the times"],
  [Infinity, "ms", "beyond the times"],
  [9_007_199_255, "s", "beyond the times"],
  [2n ** 53n, undefined, "is 9007199254740992, beyond the times"],
  [-(2n ** 53n), undefined, "beyond the times"],
  [1_780_000_000_000_000_000n, undefined, "beyond the times"],
  [new Date(Number.NaN), undefined, "is an invalid Date"],
  [new Date(8.64e15), undefined, "beyond the times"],
  [true, undefined, "is true, not a time"],
  [[1], undefined, "is a list, not a time"],
  ["soon", undefined, 'is "soon", not an ISO 8601 time'],
])("refused as a time: %o (unit %s)", (value, unit, what) => {
  expect(micros(value, unit)).toMatchObject({ what: expect.stringContaining(what) });
});
