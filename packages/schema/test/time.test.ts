import { formatTime, isLarderError, MAX_ONLINE_MICROS, parseTime } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";

const SECOND = 1_000_000;

test.each([
  ["1970-01-01", 0],
  ["1970-01-01T00:00:00Z", 0],
  ["1970-01-01t00:00:00z", 0],
  ["1970-01-01 00:00", 0],
  ["1970-01-02", 86_400 * SECOND],
  ["1969-12-31T23:59:59.999999Z", -1],
  ["1970-01-01T00:00:00.000001", 1],
  ["1970-01-01T00:00:00.1", 100_000],
  ["1970-01-01T00:00:00.123456000Z", 123_456],
  ["1970-01-01T01:00:00+01:00", 0],
  ["1970-01-01T01:30:00+0130", 0],
  ["1969-12-31T23:00:00-01", 0],
  ["1970-01-01T00:00:00-00:00", 0],
  ["2000-02-29", 951_782_400 * SECOND],
  ["2026-06-01T12:34:56.789012Z", 1_780_317_296_789_012],
  ["1684-07-28T00:12:25.259009Z", -MAX_ONLINE_MICROS],
  ["2255-06-05T23:47:34.740991Z", MAX_ONLINE_MICROS],
])("%s is a time", (text, micros) => {
  expect(parseTime(text)).toBe(micros);
});

test.each([
  ["1684-07-28T00:12:25.259008Z", "beyond the times an online row can have"],
  ["2255-06-05T23:47:34.740992Z", "beyond the times an online row can have"],
  ["50000-01-01T00:00:00Z", "beyond the times an online row can have"],
  ["+050000-01-01T00:00:00Z", "beyond the times an online row can have"],
  ["9999-12-31", "beyond the times an online row can have"],
  ["0001-01-01", "beyond the times an online row can have"],
  ["1970-01-01T00:00:00.0000001Z", "finer than a microsecond"],
  ["2026-02-29", "which no calendar or clock shows"],
  ["2100-02-29", "which no calendar or clock shows"],
  ["2026-13-01", "which no calendar or clock shows"],
  ["2026-00-01", "which no calendar or clock shows"],
  ["2026-04-31", "which no calendar or clock shows"],
  ["2026-01-01T24:00:00Z", "which no calendar or clock shows"],
  ["2026-01-01T00:60:00Z", "which no calendar or clock shows"],
  ["2026-12-31T23:59:60Z", "which no calendar or clock shows"],
  ["2026-01-01T00:00:00+24:00", "which no calendar or clock shows"],
  ["2026-01-01T00:00:00+00:60", "which no calendar or clock shows"],
  ["", "not an ISO 8601 time"],
  ["2026", "not an ISO 8601 time"],
  ["2026-1-1", "not an ISO 8601 time"],
  ["2026-01-01T00:00:00 UTC", "not an ISO 8601 time"],
  ["2026-01-01T00:00:00.Z", "not an ISO 8601 time"],
  ["01/02/2026", "not an ISO 8601 time"],
  ["1780000000", "not an ISO 8601 time"],
  [`2026-01-01T00:00:00.${"0".repeat(100)}`, "not an ISO 8601 time"],
])("%s is refused", (text, what) => {
  let caught: unknown;
  try {
    parseTime(text, "start");
  } catch (error) {
    caught = error;
  }
  expect(isLarderError(caught, "INVALID_REQUEST")).toBe(true);
  expect(caught).toMatchObject({ message: expect.stringContaining(what), facts: { field: "start" } });
});

test("every online time comes back from its text", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (micros) => {
      const text = formatTime(micros);
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(parseTime(text)).toBe(micros);
      expect(parseTime(text.slice(0, -1))).toBe(micros);
      expect(BigInt(Date.parse(`${text.slice(0, 23)}Z`)) * 1000n + BigInt(text.slice(23, 26))).toBe(BigInt(micros));
    }),
    propertySettings(2000),
  );
});

test("the common form and the general one read the same time", () => {
  const form = fc.record({
    micros: fc.integer({ min: -8e15, max: 7e15 }),
    digits: fc.integer({ min: 0, max: 9 }),
    mark: fc.constantFrom("T", " ", "t"),
    zone: fc.constantFrom("", "Z", "z", "+00:00"),
  });
  fc.assert(
    fc.property(form, ({ micros, digits, mark, zone }) => {
      const text = formatTime(micros);
      const fraction = digits === 0 ? "" : `.${text.slice(20, 26).padEnd(digits, "0").slice(0, digits)}`;
      const given = `${text.slice(0, 10)}${mark}${text.slice(11, 19)}${fraction}${zone}`;
      const kept = digits >= 6 ? 0 : Number(text.slice(20 + digits, 26));
      expect(parseTime(given)).toBe(micros - kept);
    }),
    propertySettings(2000),
  );
});

test("a changed character never makes another time of a text that is none", () => {
  const text = "2026-06-01T12:34:56.789012Z";
  for (let i = 0; i < text.length; i++) {
    for (const character of "/:x -.") {
      const changed = `${text.slice(0, i)}${character}${text.slice(i + 1)}`;
      if (changed === text || (i === 10 && character === " ")) continue;
      expect(() => parseTime(changed), changed).toThrow("time is");
    }
  }
});

test("offsets move the time by themselves", () => {
  fc.assert(
    fc.property(fc.integer({ min: -23 * 60, max: 23 * 60 }), fc.integer({ min: 0, max: 4e9 }), (offset, seconds) => {
      const local = formatTime((seconds + offset * 60) * SECOND).slice(0, 19);
      const minutes = Math.abs(offset);
      const pad = (part: number) => String(part).padStart(2, "0");
      const suffix = `${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
      expect(parseTime(local + suffix)).toBe(seconds * SECOND);
    }),
    propertySettings(500),
  );
});

test("a time that is no whole number of microseconds has no text", () => {
  expect(() => formatTime(0.5)).toThrow("0.5 is not a time in whole microseconds");
  expect(() => formatTime(2 ** 53)).toThrow("is not a time in whole microseconds");
});
