import type { EventReport } from "../world/event-stream.ts";
import type { K6Run } from "./run-k6.ts";
import type { Gate } from "./thresholds.ts";
import { medianOf } from "./verdict.ts";
import type { Usage } from "./watch-processes.ts";

/** Gates on what k6 does not see. What was measured of it comes beside k6's metrics. */
export const EVENT_GATES: readonly Gate[] = [
  {
    ...{ name: "events: share committed by larder sync", metric: "events_committed", statistic: "rate" },
    ...{ sign: ">=", limit: 1, over: "every" },
  },
  {
    ...{ name: "events: dead letters", metric: "events_dead_letters", statistic: "count" },
    ...{ sign: "<=", limit: 0, over: "every" },
  },
  {
    ...{ name: "events: share of their rate", metric: "events_rate", statistic: "rate" },
    ...{ sign: ">=", limit: 0.95, over: "every" },
  },
];

/** The server's memory at the end of a run, as a multiple of what it took early in it, when all had been warmed up. */
export const MEMORY_GATE: Gate = {
  ...{ name: "server: memory, last fifth against second", metric: "server_memory_growth", statistic: "rate" },
  ...{ sign: "<=", limit: 1.2, over: "every" },
};

/** A run with what became of its events among the metrics. `perSecond` is the rate that was asked for. */
export function withEvents(run: K6Run, report: EventReport, perSecond: number): K6Run {
  const metrics = {
    events_committed: { rate: report.committedShare },
    events_dead_letters: { count: report.deadLetters },
    events_rate: { rate: report.perSecond / perSecond },
  };
  return { ...run, metrics: { ...run.metrics, ...metrics } };
}

/** A run with the growth of the server's memory among the metrics; without it where too little was seen to tell. */
export function withMemory(run: K6Run): K6Run {
  const growth = memoryGrowth(run.usage);
  if (growth === undefined) return run;
  return { ...run, metrics: { ...run.metrics, server_memory_growth: { rate: growth } } };
}

/** Median of the last fifth of all readings over that of the second fifth; undefined for fewer than five. */
function memoryGrowth(usage: readonly Usage[]): number | undefined {
  const bytes = usage.flatMap(({ memory }) => memory["server"] ?? []);
  const fifth = Math.floor(bytes.length / 5);
  return fifth === 0 ? undefined : medianOf(bytes.slice(-fifth)) / medianOf(bytes.slice(fifth, 2 * fifth));
}
