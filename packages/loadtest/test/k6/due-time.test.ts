import { expect, test } from "vitest";
import { dueAfterMs, dueCount, endOf, inSequence } from "../../src/k6/due-time.ts";
import type { Load } from "../../src/k6/load-plan.ts";

const LOAD: Load = {
  name: "predict_1",
  route: "predict",
  rows: 1,
  tenants: ["default"],
  start: 0,
  seconds: 10,
  rate: 200,
};

test("requests are due at even times, those of the lead too", () => {
  expect([0, 1, 2, 200].map((request) => dueAfterMs(LOAD, request))).toEqual([0, 5, 10, 1000]);
  expect(dueCount(LOAD)).toBe(2200);
  expect(dueCount({ ...LOAD, lead: 0 })).toBe(2000);
});

test("loads in sequence do not overlap and leave no gap", () => {
  const loads = inSequence([LOAD, { ...LOAD, lead: 0 }, { ...LOAD, seconds: 5 }]);
  expect(loads.map(({ start }) => start)).toEqual([0, 11, 21]);
  expect(loads.map(endOf)).toEqual([11, 21, 27]);
});
