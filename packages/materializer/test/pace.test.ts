import { expect, test } from "vitest";
import { createPace } from "../src/pace.ts";

test("writers that share a pace get no more rows than it allows", async () => {
  const pace = createPace(1_000);
  const started = performance.now();
  await pace.take(pace.rowsAtOnce, undefined);
  await Promise.all([pace.take(100, undefined), pace.take(100, undefined)]);
  // 100 rows of the first write and 100 of the second are paid for before the third begins; timers may be a millisecond early.
  expect(performance.now() - started).toBeGreaterThanOrEqual(198);
});

test("a write takes a tenth of a second's rows, and one at least; a wait ends when it is told to", async () => {
  expect([createPace(5).rowsAtOnce, createPace(25_000).rowsAtOnce]).toEqual([1, 2_500]);
  const pace = createPace(0.001);
  const stopping = new AbortController();
  await pace.take(1, stopping.signal);
  const waiting = pace.take(1, stopping.signal);
  stopping.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
});
