import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { metricsText } from "../../src/metrics/metrics-peers.ts";
import { SeriesHistogram } from "../../src/metrics/series-histogram.ts";

const SAMPLES = [0, 0.0005, 0.001, 0.0011, 0.002, 0.09, 0.1, 0.5];

test("a histogram of series reads as prom-client's own does, by itself and merged with another process's", async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const edges = [0.001, 0.002, 0.1];
  const histogram = new SeriesHistogram({ name: "stage_seconds", help: "Stages", labelNames: ["stage"] }, edges, ours);
  const stages = ["queue", "store"].map((stage) => histogram.series(stage, () => ({ stage })));
  const { Histogram } = await import("prom-client");
  const reference = new Histogram({
    name: "stage_seconds",
    help: "Stages",
    labelNames: ["stage"],
    buckets: edges,
    registers: [theirs],
  });
  for (const stage of ["queue", "store"]) reference.zero({ stage });
  for (const [at, value] of SAMPLES.entries()) {
    stages[at % 2]?.count(value);
    reference.observe({ stage: at % 2 === 0 ? "queue" : "store" }, value);
  }
  expect(await ours.metrics()).toBe(await theirs.metrics());

  const peers = {
    join: () => {},
    others: async () => ({ snapshots: [await theirs.getMetricsAsJSON()], workers: 2, crashes: 1 }),
  };
  const merged = await metricsText(ours, peers);
  expect(merged).toContain('stage_seconds_count{stage="queue"} 8');
  expect(merged).toContain('stage_seconds_bucket{le="0.001",stage="queue"} 4');
  expect(merged).toContain("larder_workers 2");
  expect(merged).toContain("larder_worker_crashes_total 1");
});
