import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * `bare` is an ASOF join as DuckDB does it at its best: no TTL, an arbitrary row of those with one event time, rows in any order. `bare_exact` adds what the
 * event-time rule says, by hand: the key (event, created) and the TTL. Then Larder's two rules, with manifest and content hashes, and Feast's store.
 */
export type PlanName = "bare" | "bare_exact" | "event_time" | "bitemporal" | "feast";

export interface PlanOrder {
  readonly plan: PlanName;
  /** With the tables of a size. */
  readonly folder: string;
  readonly views: number;
  /** For Feast. */
  readonly python: string | undefined;
  readonly memoryLimitBytes: number | undefined;
}

/** What a plan took in a process of its own, from Parquet to Parquet, without the start of the process. */
export interface PlanRun {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** The process's largest resident size. */
  readonly peakBytes: number;
  /** Rows that found something and the sum of the first view's first feature, as text. */
  readonly found: string;
}

/** Runs a plan in a process of its own. */
export async function runPlan(order: PlanOrder): Promise<PlanRun> {
  const program =
    order.plan === "feast"
      ? { file: order.python as string, args: [join(import.meta.dirname, "feast-store.py"), order.folder] }
      : {
          file: process.execPath,
          args: ["--conditions=@larder/source", join(import.meta.dirname, "plan-process.ts"), JSON.stringify(order)],
        };
  const { stdout } = await promisify(execFile)(program.file, program.args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1) as string) as PlanRun;
}
