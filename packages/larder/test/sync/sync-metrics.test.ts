import type { LatencyCounts, SyncStatus, ViewCounts } from "@larder/materializer/stream";
import { LATENCY_EDGES_MS } from "@larder/materializer/stream";
import { expect, test } from "vitest";
import { BoundedViews } from "../../src/sync/bounded-views.ts";
import { SyncMetrics } from "../../src/sync/sync-metrics.ts";
import { syncStatusBody } from "../../src/sync/sync-status-body.ts";

const NOW = 1_700_000_000_000_000;
const NONE = { applied: 0, duplicate: 0, stale: 0, expired: 0, conflict: 0, merged: 0, refused: 0 };

/** So many latencies in the class of an edge. */
const latencies = (count: number, edgeMs: number): LatencyCounts => ({
  count,
  sumMs: count * edgeMs,
  classes: [...LATENCY_EDGES_MS, Number.POSITIVE_INFINITY].map((edge) => (edge === edgeMs ? count : 0)),
});

const counts = (view: string, tenant: string, more: Partial<ViewCounts> = {}): ViewCounts => ({
  view,
  tenant,
  ...NONE,
  applied: 3,
  oldest: NOW - 2_000_000,
  lag: {
    watermark: NOW - 5_000_000,
    eventToBroker: latencies(3, 10),
    brokerToReadable: latencies(3, 100),
    eventToReadable: latencies(3, 250),
    missed: 1,
  },
  ...more,
});

const statusOf = (views: readonly ViewCounts[]): SyncStatus => ({
  at: NOW,
  ready: true,
  running: true,
  joined: true,
  outages: [],
  partitions: [],
  views,
  deadLetters: [
    { topic: "t", code: "RECORD_INVALID", view: "scores", tenant: undefined, count: 2 },
    { topic: "t", code: "QUOTA_EXCEEDED", view: "scores", tenant: "a", count: 4 },
    { topic: "t", code: "QUOTA_EXCEEDED", view: "scores", tenant: "b", count: 5 },
  ],
  unknownFields: 0,
});

const definitions = { views: new Map() };

test("latencies are Prometheus histograms in seconds, and a tenant's name cannot break a line", async () => {
  const text = await new SyncMetrics({ status: () => statusOf([counts("scores", 'a"b\n')]) }, definitions).text();
  const labels = 'view="scores",tenant="a\\"b\\n"';
  const metric = "larder_sync_broker_to_readable_seconds";
  expect(text).toContain(`# TYPE ${metric} histogram\n`);
  expect(text).toContain(`${metric}_bucket{${labels},le="0.05"} 0\n${metric}_bucket{${labels},le="0.1"} 3\n`);
  expect(text).toContain(
    `${metric}_bucket{${labels},le="+Inf"} 3\n${metric}_sum{${labels}} 0.3\n${metric}_count{${labels}} 3\n`,
  );
  expect(text).toContain(`larder_sync_oldest_unprocessed_seconds{${labels}} 2\n`);
  expect(text).toContain(`larder_freshness_age_seconds{${labels}} 5\n`);
  expect(text).toContain(`larder_freshness_missed_total{${labels}} 1\n`);
  expect(text).toContain('larder_sync_dead_letters_total{topic="t",code="QUOTA_EXCEEDED",view="scores"} 9\n');
});

test("beyond the bound, tenants of a view are one; a pair that has a series keeps it, and no counter goes back", () => {
  const bounded = new BoundedViews(2);
  const first = [counts("v", "a"), counts("w", "a")];
  expect(bounded.of(first)).toEqual(first);
  const late = { ...counts("v", "b").lag, watermark: NOW - 9_000_000 };
  const [va, wa, others, ...rest] = bounded.of([
    counts("v", "a"),
    counts("v", "b", { lag: late }),
    counts("v", "c", { oldest: undefined }),
    counts("w", "a"),
  ]);
  expect(rest).toEqual([]);
  expect([va, wa]).toEqual(first);
  expect(others).toMatchObject({ view: "v", tenant: "", applied: 6, oldest: NOW - 2_000_000 });
  expect(others?.lag).toMatchObject({ watermark: NOW - 9_000_000, missed: 2, eventToReadable: { count: 6 } });
});

test("the status has ages in seconds, bounds of quantiles, and a tenant's own dead letters", () => {
  const [body] = syncStatusBody(statusOf([counts("scores", "a")]), definitions).views;
  expect(body).toMatchObject({
    dead_lettered: 4,
    age_seconds: 5,
    oldest_unprocessed_seconds: 2,
    event_to_readable: { count: 3, p50_seconds: 0.25, p99_seconds: 0.25 },
    freshness: null,
  });
});
