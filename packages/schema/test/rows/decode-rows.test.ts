import { decodeRows, findView, isLarderError, parseDefinitions } from "@larder/schema";
import { expect, test } from "vitest";
import { SHOP } from "../load/shop.ts";

const PROFILE = findView(parseDefinitions(SHOP), "profile");
const row = (id: unknown, age: unknown = 1) => ({ customer_id: id, age, plan: "p", event_timestamp: "2026-01-01" });

const errorOf = (records: readonly Readonly<Record<string, unknown>>[], options = {}) => {
  try {
    decodeRows(PROFILE, records, options);
  } catch (error) {
    if (isLarderError(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

test("rows come back in order; none in, none out", () => {
  expect(decodeRows(PROFILE, [row(2), row("1")]).map(({ entityKey }) => entityKey)).toEqual([[2n], [1n]]);
  expect(decodeRows(PROFILE, [])).toEqual([]);
});

test("tombstones need no features", () => {
  const rows = decodeRows(PROFILE, [{ customer_id: 1, event_timestamp: "2026-01-01" }], { tombstone: true });
  expect(rows).toMatchObject([{ entityKey: [1n], values: undefined }]);
});

test("one bad row refuses the write and names every bad row", () => {
  const error = errorOf([row(1), row("x"), row(3), row(4, 1.5)]);
  expect(error.code).toBe("INVALID_ROWS");
  expect(error.message).toBe(
    '2 of 4 rows for feature view "profile" cannot be taken; row 1: customer_id is "x", not a whole number in decimal digits. ' +
      'Send it like 42 or "42".',
  );
  expect(error.facts).toEqual({ view: "profile", rows: [1, 3], invalid: 2 });
  expect(error.problems.map(({ place, field }) => [place, field])).toEqual([
    ["row 1", "customer_id"],
    ["row 3", "age"],
  ]);
});

test("rows of a file are counted from its first line", () => {
  expect(errorOf([row(1), row("x")], { firstRow: 1 }).facts["rows"]).toEqual([2]);
});

test("a column that no row has is told once, with those that were given", () => {
  const records = Array.from({ length: 500 }, (_, i) => ({ customer_id: i, agee: 1, event_timestamp: "2026-01-01" }));
  const error = errorOf(records);
  expect(error.problems).toEqual([
    {
      place: "all rows",
      field: "age",
      what: "is missing",
      remedy: 'Send the column "age"; given: customer_id, agee, event_timestamp',
    },
    {
      place: "all rows",
      field: "plan",
      what: "is missing",
      remedy: 'Send the column "plan"; given: customer_id, agee, event_timestamp',
    },
  ]);
  expect(error.facts["invalid"]).toBe(500);
});

test("a column that some rows lack is told row by row", () => {
  const { plan: _, ...without } = row(2);
  const error = errorOf([row(1), without]);
  expect(error.problems).toMatchObject([{ place: "row 1", field: "plan", what: "is missing" }]);
});

test("at most 100 problems are listed; the count is whole", () => {
  const error = errorOf(Array.from({ length: 1000 }, (_, i) => row("x", i === 0 ? "y" : 1)));
  expect(error.problems).toHaveLength(100);
  expect(error.facts["rows"]).toHaveLength(100);
  expect(error.facts["invalid"]).toBe(1000);
});

test("what is no object is a bad row", () => {
  const records: unknown[] = [row(1), null, [1], "x", 5];
  const error = errorOf(records as Readonly<Record<string, unknown>>[]);
  expect(error.problems.map(({ place, what }) => `${place} ${what}`)).toEqual([
    "row 1 is null, not an object",
    "row 2 is a list, not an object",
    'row 3 is "x", not an object',
    "row 4 is 5, not an object",
  ]);
});

test("messages do not grow with what is sent", () => {
  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`column_${"x".repeat(200)}_${i}`, 1]));
  const error = errorOf([wide]);
  expect(JSON.stringify(error.problems).length).toBeLessThan(10_000);
  expect(error.message.length).toBeLessThan(2000);
});
