import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { dueAfterMs, dueCount } from "../../src/k6/due-time.ts";

test("at a constant rate requests are due at even times", () => {
  const stages = [{ seconds: 10, from: 200, to: 200 }];
  expect(dueCount(stages)).toBe(2000);
  expect([0, 1, 2, 200].map((request) => dueAfterMs(stages, request))).toEqual([0, 5, 10, 1000]);
});

test("on a ramp from nothing the n-th request is due when the triangle below it is n", () => {
  // 0 to 100 per second in 10 s: 5 t^2 requests after t seconds.
  const stages = [{ seconds: 10, from: 0, to: 100 }];
  expect(dueCount(stages)).toBe(500);
  expect(dueAfterMs(stages, 5)).toBeCloseTo(1000, 6);
  expect(dueAfterMs(stages, 125)).toBeCloseTo(5000, 6);
});

test("a ramp down ends at its rate", () => {
  const stages = [{ seconds: 10, from: 100, to: 0 }];
  expect(dueAfterMs(stages, 375)).toBeCloseTo(5000, 6);
});

test("times never go back, and all lie within the stages", () => {
  const rate = fc.integer({ min: 1, max: 500 });
  const stages = fc.array(fc.record({ seconds: fc.integer({ min: 1, max: 20 }), from: rate, to: rate }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(stages, (each) => {
      const count = dueCount(each);
      const end = 1000 * each.reduce((sum, { seconds }) => sum + seconds, 0);
      let last = 0;
      for (let request = 0; request < count; request += Math.ceil(count / 200)) {
        const due = dueAfterMs(each, request);
        expect(due).toBeGreaterThanOrEqual(last);
        expect(due).toBeLessThanOrEqual(end);
        last = due;
      }
    }),
    propertySettings(100),
  );
});
