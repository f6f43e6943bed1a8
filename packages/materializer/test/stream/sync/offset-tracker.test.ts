import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { OffsetTracker } from "../../../src/stream/sync/offset-tracker.ts";

test("an offset may be committed when every record before it is settled", () => {
  const tracker = new OffsetTracker();
  const [first, second, third] = [5n, 6n, 9n].map((offset) => tracker.add(offset, 10, 0));
  expect(tracker).toMatchObject({ committable: undefined, position: 10n, records: 3, bytes: 30 });
  tracker.settle(second!);
  expect(tracker).toMatchObject({ committable: undefined, records: 3, bytes: 20 });
  tracker.settle(first!);
  expect(tracker).toMatchObject({ committable: 7n, records: 1, bytes: 10 });
  tracker.settle(first!);
  tracker.settle(third!);
  expect(tracker).toMatchObject({ committable: 10n, records: 0, bytes: 0, oldest: undefined });
});

test("an offset that goes back is refused", () => {
  const tracker = new OffsetTracker();
  tracker.add(7n, 1, 0);
  expect(() => tracker.add(7n, 1, 0)).toThrow("Offset 7 arrived after 7");
});

test("in any order of settling, what may be committed is the end of the settled beginning", () => {
  const event = fc.record({
    gap: fc.integer({ min: 1, max: 3 }),
    settleAt: fc.double({ noNaN: true }),
    time: fc.nat(),
  });
  const history = fc.array(event, { minLength: 1, maxLength: 4_000 });
  const property = fc.property(history, (records) => {
    const tracker = new OffsetTracker();
    let offset = 0n;
    const added = records.map(({ gap, settleAt, time }) => {
      offset += BigInt(gap);
      return { offset, settleAt, tracked: tracker.add(offset, 1, time), time, settled: false };
    });
    expect(tracker.oldest).toBe(Math.min(...added.map(({ time }) => time)));
    for (const record of added.toSorted((a, b) => a.settleAt - b.settleAt).slice(0, -1)) {
      tracker.settle(record.tracked);
      record.settled = true;
    }
    const open = added.findIndex(({ settled }) => !settled);
    expect(tracker.committable).toBe(open === 0 ? undefined : added[open - 1]!.offset + 1n);
    expect(tracker.records).toBe(added.length - open);
    expect(tracker.bytes).toBe(1);
    expect(tracker.oldest).toBe(added[open]!.time);
  });
  fc.assert(property, propertySettings(30));
});
