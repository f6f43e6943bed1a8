import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { RateSearch } from "../../src/peers/rate-search.ts";

const BOUNDS = { from: 100, atMost: 12_800, halvings: 3, retries: 0 };

/** All rates that a search tries of a server that holds what `holds` says. */
function tried(search: RateSearch, holds: (rate: number) => boolean): readonly number[] {
  const rates: number[] = [];
  for (let rate = search.next; rate !== undefined; rate = search.next) {
    rates.push(rate);
    search.tell(holds(rate));
  }
  return rates;
}

test("a rate is doubled until it is not held, then the gap is halved", () => {
  const search = new RateSearch(BOUNDS);
  expect(tried(search, (rate) => rate <= 700)).toEqual([100, 200, 400, 800, 566, 673, 734]);
  expect(search.result).toEqual({ held: 673, missed: 734, whole: true });
});

test("the highest rate allowed ends a search", () => {
  const search = new RateSearch({ ...BOUNDS, atMost: 300 });
  expect(tried(search, () => true)).toEqual([100, 200, 300]);
  expect(search.result).toEqual({ held: 300, missed: undefined, whole: true });
});

test("below the first rate it is halved down to an eighth", () => {
  const slow = new RateSearch(BOUNDS);
  expect(tried(slow, (rate) => rate <= 30)).toEqual([100, 50, 25]);
  expect(slow.result.held).toBe(25);
  const broken = new RateSearch(BOUNDS);
  expect(tried(broken, () => false)).toEqual([100, 50, 25, 12.5]);
  expect(broken.result).toEqual({ held: 0, missed: 12.5, whole: true });
});

test("a rate that is missed once is tried again", () => {
  const search = new RateSearch({ ...BOUNDS, atMost: 200, retries: 1 });
  const answers = [false, true, true];
  expect(tried(search, () => answers.shift() ?? false)).toEqual([100, 100, 200]);
  expect(search.result.held).toBe(200);
});

test("a search that is not over says so", () => {
  const search = new RateSearch(BOUNDS);
  search.tell(true);
  expect(search.result).toEqual({ held: 100, missed: undefined, whole: false });
});

test("whatever a server holds, the answer is a rate it held, below one that it did not", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 0, max: 2 }), (limit, retries) => {
      const search = new RateSearch({ ...BOUNDS, retries });
      const rates = tried(search, (rate) => rate <= limit);
      const { held, missed, whole } = search.result;
      expect(whole).toBe(true);
      expect(rates.length).toBeLessThan(40);
      expect(held).toBeLessThanOrEqual(limit);
      if (missed !== undefined) expect(missed).toBeGreaterThan(limit);
      else expect(held).toBe(BOUNDS.atMost);
    }),
    propertySettings(300),
  );
});
