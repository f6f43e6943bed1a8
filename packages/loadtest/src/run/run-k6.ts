import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findServer, startProcess } from "@larder/testkit";
import { endOf } from "../k6/due-time.ts";
import { BEGUN, type LoadPlan } from "../k6/load-plan.ts";
import { type Gate, thresholdsOf } from "./thresholds.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import { type Usage, watchProcesses } from "./watch-processes.ts";

/** What k6 made of one run. */
export interface K6Run {
  /** Of k6: 0, or 99 where a threshold was crossed. */
  readonly exitCode: number;
  /** k6's own summary: metric, with its tags, to its statistics. */
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly timeline: Timeline;
  readonly usage: readonly Usage[];
}

/** How k6 is run. */
export interface K6Settings {
  /** Where plan and summary are written. */
  readonly folder: string;
  /** Processes to watch, by name; k6 is added. */
  readonly watched: Readonly<Record<string, number>>;
  readonly signal: AbortSignal;
  /** Called when the requests begin. */
  readonly onStart?: () => void;
}

/** Runs a plan to its end. @throws when k6 fails otherwise than by a threshold, or the signal is aborted; k6 is then ended. */
export async function runK6(
  plan: Omit<LoadPlan, "summary" | "thresholds">,
  gates: readonly Gate[],
  settings: K6Settings,
): Promise<K6Run> {
  const { folder, signal, onStart = () => {} } = settings;
  const file = join(folder, "plan.json");
  const summary = join(folder, "summary.json");
  writeFileSync(
    file,
    JSON.stringify({ ...plan, summary, thresholds: thresholdsOf(gates, plan.loads) } satisfies LoadPlan),
  );
  const timeline = createTimeline();
  const script = join(import.meta.dirname, "..", "k6", "scenarios", "load.ts");
  // Samples go to stdout, what k6 says to stderr. Without an address k6 opens no port.
  const args = ["run", "--quiet", "--no-color", "--no-usage-report", "--address", "", "--out", "json=-", script];
  // Go's garbage collector, which shares k6's only core with the requests, made lookups look 3.5 times as slow at p99: it runs only when memory is short.
  const env = { LARDER_PLAN: file, K6_NO_USAGE_REPORT: "true", GOMAXPROCS: "1", GOGC: "off", GOMEMLIMIT: "2GiB" };
  signal.throwIfAborted();
  await using child = await startProcess(findServer("k6"), args, { env, onStdout: (text) => timeline.add(text) });
  const stop = () => child.signal("SIGKILL");
  signal.addEventListener("abort", stop);
  try {
    await using watcher = watchProcesses({ ...settings.watched, k6: child.pid }, plan.url);
    await child.waitForLine(new RegExp(BEGUN), SLACK_MS);
    onStart();
    const end = await child.waitForExit(Math.max(...plan.loads.map(endOf)) * 1000 + SLACK_MS);
    signal.throwIfAborted();
    if (end.code !== 0 && end.code !== MISSED)
      throw new Error(`k6 ended with ${end.signal ?? end.code}: ${child.stderr}`);
    return { exitCode: end.code, metrics: readSummary(summary), timeline, usage: watcher.usage };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** k6's exit code where a threshold was crossed. */
const MISSED = 99;
/** For the start of k6, and for the last answers. */
const SLACK_MS = 120_000;

function readSummary(path: string): K6Run["metrics"] {
  const { metrics } = JSON.parse(readFileSync(path, "utf8")) as {
    metrics: Record<string, { values: Record<string, number> }>;
  };
  return Object.fromEntries(Object.entries(metrics).map(([name, { values }]) => [name, values]));
}
