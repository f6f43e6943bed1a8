import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PoisonWindow } from "../../../src/stream/sync/poison-window.ts";

/** Adds records, true = poison, and tells which of them raised the alarm. */
function alarms(window: PoisonWindow, records: readonly boolean[]): readonly number[] {
  return records.flatMap((poison, index) => (window.add(poison) ? [index] : []));
}

test("a fifth of a thousand is borne, one more is not", () => {
  const fifth = Array.from({ length: 1_000 }, (_, index) => index % 5 === 0);
  const window = new PoisonWindow({ maxShare: 0.2, window: 1_000 });
  expect(alarms(window, fifth)).toEqual([]);
  expect(window.full).toBe(true);
  expect(alarms(window, [true])).toEqual([]); // it takes the place of one that was poison
  expect(alarms(window, [true])).toEqual([0]);
});

test("when all is poison the alarm comes as soon as no later record could help", () => {
  const window = new PoisonWindow({ maxShare: 0.2, window: 1_000 });
  expect(alarms(window, new Array<boolean>(201).fill(true))).toEqual([200]);
  expect(window.full).toBe(false);
});

test("poison long ago does not count", () => {
  const window = new PoisonWindow({ maxShare: 0.5, window: 4 });
  expect(alarms(window, [true, true, false, false, false, false, true, true])).toEqual([]);
  expect(window.poison).toBe(2);
});

test("with a share of 0 the first one stops, with 1 none does", () => {
  expect(alarms(new PoisonWindow({ maxShare: 0, window: 1_000 }), [false, true])).toEqual([1]);
  expect(alarms(new PoisonWindow({ maxShare: 1, window: 2 }), [true, true, true])).toEqual([]);
});

test("it counts what is poison among the last records", () => {
  const property = fc.property(
    fc.array(fc.boolean(), { maxLength: 300 }),
    fc.integer({ min: 1, max: 50 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    (records, size, maxShare) => {
      const window = new PoisonWindow({ maxShare, window: size });
      for (const [index, poison] of records.entries()) {
        const inWindow = records.slice(Math.max(0, index + 1 - size), index + 1).filter(Boolean).length;
        expect(window.add(poison)).toBe(inWindow > maxShare * size);
      }
    },
  );
  fc.assert(property, propertySettings(100));
});
