import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  pairedRatio,
  percentile,
  type Random,
  seededRandom,
  unpairedRatio,
} from "../../src/regression/ratio-interval.ts";
import { confirmed, type Judged, judgeSeries, type Series } from "../../src/regression/verdict.ts";

/** Box and Muller's normal numbers. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Rounds in turns: what the machine does hits both alike, what is left is noise; now and then a round is hit by something else. */
function turns(random: Random, rounds: number, truth: number, noise: number, spikes = 0) {
  const value = (level: number) => level * Math.exp(noise * normal(random)) * (random() < spikes ? 1.5 : 1);
  const levels = Array.from({ length: rounds }, () => 100 * Math.exp(0.3 * normal(random)));
  return { base: levels.map(value), head: levels.map((level) => value(level * truth)) };
}

test.each([
  { what: "10 rounds of even noise", rounds: 10, truth: 1.2, noise: 0.1, spikes: 0 },
  { what: "8 rounds", rounds: 8, truth: 0.9, noise: 0.05, spikes: 0 },
  { what: "20 rounds with spikes in a tenth of them", rounds: 20, truth: 1, noise: 0.03, spikes: 0.1 },
])("an interval of 95 % holds the true ratio in 95 of 100 runs: $what", ({ rounds, truth, noise, spikes }) => {
  const random = seededRandom(7);
  const runs = 400;
  let held = 0;
  for (let run = 0; run < runs; run++) {
    const { base, head } = turns(random, rounds, truth, noise, spikes);
    const { low, high } = pairedRatio(base, head, { confidence: 0.95, random, resamples: 600 });
    if (low <= truth && truth <= high) held++;
  }
  // Two standard errors of 400 runs are 2.2 %.
  expect(held / runs).toBeGreaterThan(0.915);
  expect(held / runs).toBeLessThan(0.99);
});

test("an interval holds its ratio, whatever the values, and turns round with them", () => {
  const value = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
  const rounds = fc.array(fc.tuple(value, value), { minLength: 8, maxLength: 30 });
  fc.assert(
    fc.property(rounds, fc.constantFrom(pairedRatio, unpairedRatio), (pairs, ratioOf) => {
      const [base, head] = [pairs.map(([first]) => first), pairs.map(([, second]) => second)];
      const options = () => ({ confidence: 0.9, random: seededRandom(1), resamples: 200 });
      const { ratio, low, high } = ratioOf(base, head, options());
      expect(low).toBeLessThanOrEqual(ratio * (1 + 1e-9));
      expect(high).toBeGreaterThanOrEqual(ratio * (1 - 1e-9));
      expect(ratioOf(head, base, options()).ratio).toBeCloseTo(1 / ratio, 6 - Math.ceil(Math.log10(1 + 1 / ratio)));
    }),
    propertySettings(100),
  );
});

test("equal values give exactly 1, too few or impossible ones are refused", () => {
  const options = { confidence: 0.95, random: seededRandom(1) };
  const values = [5, 6, 7, 8, 9, 10, 11, 12];
  expect(pairedRatio(values, values, options)).toEqual({ ratio: 1, low: 1, high: 1 });
  expect(() => pairedRatio(values.slice(1), values.slice(1), options)).toThrow(RangeError);
  expect(() => pairedRatio([0, ...values], [1, ...values], options)).toThrow(RangeError);
  expect(() => pairedRatio(values, [...values, 1], options)).toThrow(RangeError);
  expect(percentile([3, 1, 2], 0.5)).toBe(2);
});

/** Twelve figures of a bench, measured in turns; the first is slower by a factor. */
function bench(random: Random, slowdown: number, rounds = 16) {
  const each = Array.from({ length: 12 }, (_, at) => turns(random, rounds, at === 0 ? slowdown : 1, 0.05, 0.03));
  const series = (side: "base" | "head"): Series[] =>
    each.map((found, at) => ({ name: `figure ${at}`, better: "lower", values: found[side] }));
  return { base: series("base"), head: series("head") };
}

/** Of so many comparisons, the share that calls any figure a regression. */
function alarms(runs: number, slowdown: number, limit: number): number {
  const random = seededRandom(11);
  let found = 0;
  for (let run = 0; run < runs; run++) {
    const { base, head } = bench(random, slowdown);
    const judged = judgeSeries(base, head, { limit, paired: true, seed: run });
    if (judged.some(({ verdict }) => verdict === "regression")) found++;
  }
  return found / runs;
}

test("equal code raises an alarm in at most 5 % of runs, by the intervals alone", () => {
  expect(alarms(60, 1, 0)).toBeLessThanOrEqual(0.05);
}, 60_000);

test("of twelve figures one that is 20 % slower is found", () => {
  expect(alarms(20, 1.2, 0.1)).toBeGreaterThanOrEqual(0.85);
}, 60_000);

test("a figure is a regression by direction, limit and interval together", () => {
  const random = seededRandom(3);
  const judge = (better: Series["better"], factor: number, paired = true) => {
    const { base, head } = turns(random, 16, factor, 0.01);
    const flat = paired ? base : base.map(() => 100 * Math.exp(0.01 * normal(random)));
    const other = paired ? head : head.map(() => 100 * factor * Math.exp(0.01 * normal(random)));
    const series = (values: readonly number[]) => [{ name: "x", better, values }];
    return judgeSeries(series(flat), series(other), { limit: 0.1, paired })[0];
  };
  expect(judge("lower", 1.2)).toMatchObject({ verdict: "regression", ratio: expect.closeTo(1.2, 1) });
  expect(judge("lower", 1.05)).toMatchObject({ verdict: "slower" });
  expect(judge("lower", 0.8)).toMatchObject({ verdict: "faster" });
  expect(judge("higher", 0.8)).toMatchObject({ verdict: "regression", ratio: expect.closeTo(1.25, 1) });
  expect(judge("higher", 1.3)).toMatchObject({ verdict: "faster" });
  expect(judge("lower", 1.2, false)).toMatchObject({ verdict: "regression" });
  expect(judge("lower", 1, false)).toMatchObject({ verdict: expect.not.stringMatching("regression") });
});

test("a regression counts when a second measurement finds it, too", () => {
  const judged = (...verdicts: Judged["verdict"][]) =>
    verdicts.map(
      (verdict, at): Judged => ({ name: `figure ${at}`, verdict, ratio: 1, low: 1, high: 1, base: 1, head: 1 }),
    );
  const first = judged("regression", "regression", "slower", "same");
  const verdicts = confirmed(first, judged("regression", "slower", "regression", "regression")).map(
    (each) => each.verdict,
  );
  expect(verdicts).toEqual(["regression", "unconfirmed", "slower", "same"]);
  expect(confirmed(first, [])[0]).toMatchObject({ verdict: "unconfirmed" });
});
