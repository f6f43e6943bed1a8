import { LarderError, parseDefinitions } from "@larder/schema";
import { logicalClock, propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRateLimit } from "../../src/admission/rate-limit.ts";

function limitOf(rate: number) {
  const definitions = parseDefinitions(`project: p\ntenants: { a: { requests_per_second: ${rate} }, b: {} }\n`, {
    file: "feature_store.yaml",
    env: {},
  });
  const clock = logicalClock();
  const rates = createRateLimit(definitions, clock);
  /** 0, or the seconds to wait. */
  const take = (tenant: string): number => {
    try {
      rates.take(tenant);
      return 0;
    } catch (error) {
      if (!(error instanceof LarderError)) throw error;
      return Number(error.facts["retryAfter"]);
    }
  };
  return { clock, take };
}

test("a bucket holds one second's worth, fills evenly, and is its tenant's alone", () => {
  const { clock, take } = limitOf(4);
  expect(Array.from({ length: 6 }, () => take("a"))).toEqual([0, 0, 0, 0, 1, 1]);
  expect(Array.from({ length: 1000 }, () => take("b")).every((wait) => wait === 0)).toBe(true);
  clock.advance(249_999);
  expect(take("a")).toBe(1);
  clock.advance(1);
  expect([take("a"), take("a")]).toEqual([0, 1]);
  clock.advance(3_600_000_000);
  expect(Array.from({ length: 5 }, () => take("a"))).toEqual([0, 0, 0, 0, 1]);
});

test("below one request a second there is still one, and the wait is in whole seconds", () => {
  const { clock, take } = limitOf(0.25);
  expect([take("a"), take("a")]).toEqual([0, 4]);
  clock.advance(1_500_000);
  expect(take("a")).toBe(3);
  clock.advance(2_500_000);
  expect([take("a"), take("a")]).toEqual([0, 4]);
});

test("a clock that is set back neither fills a bucket nor stops it for long", () => {
  const { clock, take } = limitOf(1);
  clock.advance(10_000_000);
  expect(take("a")).toBe(0);
  clock.set(clock.now() - 5_000_000);
  expect(take("a")).toBe(1);
  clock.advance(1_000_000);
  expect(take("a")).toBe(0);
});

test("whatever the pauses, no stretch of time passes more than a second's worth and the rate, and whoever waits as told passes", () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 2_000_000 }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), pauses, (rate, steps) => {
      const { clock, take } = limitOf(rate);
      const passed: number[] = [];
      let wait = 0;
      for (const step of steps) {
        clock.advance(step);
        wait = take("a");
        if (wait === 0) passed.push(clock.now());
      }
      for (const [index, start] of passed.entries()) {
        const seconds = (clock.now() - start) / 1_000_000;
        expect(passed.length - index).toBeLessThanOrEqual(rate + rate * seconds + 1e-6);
      }
      clock.advance(wait * 1_000_000);
      if (wait > 0) expect(take("a")).toBe(0);
    }),
    propertySettings(100),
  );
});
