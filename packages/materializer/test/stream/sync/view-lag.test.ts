import { expect, test } from "vitest";
import { LATENCY_EDGES_MS, Latencies, latencyQuantile, sumLatencies } from "../../../src/stream/sync/latencies.ts";
import { type LaggingRow, ViewLag } from "../../../src/stream/sync/view-lag.ts";

const NOW = 1_000_000_000;

/** A row whose event was so many milliseconds ago, and whose record came so much later. */
const row = (ageMs: number, toBrokerMs = 0): LaggingRow => ({
  row: { eventTime: NOW - ageMs * 1_000 },
  brokerTime: NOW / 1_000 - ageMs + toBrokerMs,
});

test("a latency is counted in the class whose edge it does not pass; below zero is none", () => {
  const latencies = new Latencies();
  for (const ms of [-7, 5, 5.1, 86_400_001]) latencies.add(ms);
  const filled = latencies.classes.flatMap((count, at) => (count === 0 ? [] : [[LATENCY_EDGES_MS[at], count]]));
  expect(filled).toEqual([
    [5, 2],
    [10, 1],
    [undefined, 1],
  ]);
  expect(latencies.count).toBe(4);
  expect(latencies.sumMs).toBeCloseTo(86_400_011.1);
});

test("a quantile is the edge that it lies at or below", () => {
  const latencies = new Latencies();
  expect(latencyQuantile(latencies, 0.99)).toBeUndefined();
  for (let ms = 1; ms <= 100; ms++) latencies.add(ms);
  expect([0, 0.05, 0.5, 0.99, 1].map((share) => latencyQuantile(latencies, share))).toEqual([5, 5, 50, 100, 100]);
  latencies.add(1e12);
  expect(latencyQuantile(latencies, 1)).toBe(Number.POSITIVE_INFINITY);
  expect(latencyQuantile(sumLatencies([latencies, latencies]), 0.5)).toBe(100);
  expect(sumLatencies([latencies, latencies]).count).toBe(202);
});

test("only what became readable has a latency and may miss the objective; the watermark knows what was beaten, too", () => {
  const lag = new ViewLag(1_000_000);
  const rows = [row(1_000, 200), row(1_001), row(1_500), row(5_000), row(400)];
  lag.written(rows, { outcomes: ["applied", "applied", "duplicate", "expired", "stale"] }, NOW);
  const { watermark, missed, eventToBroker, brokerToReadable, eventToReadable } = lag.status(NOW);
  expect(watermark).toBe(NOW - 400_000);
  expect(missed).toBe(1);
  expect([eventToBroker.sumMs, brokerToReadable.sumMs, eventToReadable.sumMs]).toEqual([200, 1_801, 2_001]);
  expect(eventToReadable.count).toBe(2);
});

test("the watermark is never ahead of now, and there is nothing to miss without an objective", () => {
  const lag = new ViewLag(undefined);
  expect(lag.status(NOW)).toMatchObject({ watermark: undefined, missed: undefined });
  lag.written([row(-500)], { outcomes: ["applied"] }, NOW);
  expect(lag.status(NOW)).toMatchObject({ watermark: NOW, missed: undefined });
  expect(lag.status(NOW + 600_000).watermark).toBe(NOW + 500_000);
});
