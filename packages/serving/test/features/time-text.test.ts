import { expect, test } from "vitest";
import { timeText } from "../../src/features/time-text.ts";

test.each([
  [0, "1970-01-01T00:00:00Z"],
  [1_704_067_200_000_000, "2024-01-01T00:00:00Z"],
  [1_780_000_000_123_000, "2026-05-28T20:26:40.123Z"],
  [1_780_000_000_000_001, "2026-05-28T20:26:40.000001Z"],
  [1_780_000_000_100_000, "2026-05-28T20:26:40.100Z"],
  [-1, "1969-12-31T23:59:59.999999Z"],
])("%i microseconds read %s", (micros, expected) => {
  expect(timeText(micros)).toBe(expected);
});
