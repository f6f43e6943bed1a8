import { randomUUID } from "node:crypto";
import { type Clock, LarderError } from "@larder/schema";
import type { MaterializeFunction, MaterializeOutcome, MaterializeRun } from "./materialize-function.ts";

/** How a job stands. */
export type JobState =
  | { readonly kind: "running" }
  | { readonly kind: "succeeded"; readonly endedAt: number; readonly outcome: MaterializeOutcome }
  | { readonly kind: "failed"; readonly endedAt: number; readonly error: unknown };

/** A run that was started. Times in microseconds. */
export interface Job {
  readonly id: string;
  readonly tenant: string;
  readonly views: readonly string[];
  readonly startedAt: number;
  readonly state: JobState;
  /** Settles with the run. */
  readonly done: Promise<MaterializeOutcome>;
}

/** Jobs that can be asked about, the running ones among them; older ones are forgotten. */
export const MAX_JOBS = 100;

/** Runs at once: each has a query engine of its own, with its memory. */
export const MAX_RUNNING = 4;

/** The runs of one process: at most one at a time per tenant and view. */
export class MaterializeJobs {
  readonly #materialize: MaterializeFunction | undefined;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  /** In the order of their start. */
  readonly #jobs = new Map<string, Job>();

  constructor(materialize: MaterializeFunction | undefined, clock: Clock) {
    this.#materialize = materialize;
    this.#clock = clock;
  }

  /**
   * Starts a run.
   * @throws STORE_CONFLICT where one of the views is under way for the tenant, RATE_LIMITED where {@link MAX_RUNNING} runs are, UNSUPPORTED where
   *   the server has nothing to materialize with
   */
  start(run: Omit<MaterializeRun, "signal">): Job {
    const materialize = this.#materialize ?? refuseAll;
    const running = this.#running();
    for (const { tenant, views } of running) {
      const busy = run.views.find((view) => tenant === run.tenant && views.includes(view));
      if (busy !== undefined) throw underWay(busy, tenant);
    }
    if (running.length >= MAX_RUNNING) throw tooMany();
    const { signal } = this.#closing;
    const { tenant, views } = run;
    const job = {
      id: randomUUID(),
      tenant,
      views,
      startedAt: this.#clock.now(),
      state: { kind: "running" } as JobState,
    };
    const done = this.#settle(job, materialize, { ...run, signal });
    // Who waits for it sees the failure; it is kept in the job for the others.
    done.catch(() => {});
    const started = Object.assign(job, { done });
    this.#jobs.set(job.id, started);
    this.#forget();
    return started;
  }

  /** A tenant's job. @throws UNKNOWN_JOB */
  get(tenant: string, id: string): Job {
    const job = this.#jobs.get(id);
    if (job?.tenant === tenant) return job;
    throw new LarderError("UNKNOWN_JOB", {
      what: `There is no job "${id.slice(0, 100)}"`,
      remedy: `Use an id that this process answered with; it keeps the last ${MAX_JOBS} jobs, and none after a restart`,
      facts: { field: "id" },
    });
  }

  /** Cancels every run. They keep what they did, and the same request goes on from there. */
  abort(): void {
    this.#closing.abort();
  }

  /** Waits until every run has ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running().map(({ done }) => done));
  }

  async #settle(
    job: { state: JobState },
    materialize: MaterializeFunction,
    run: MaterializeRun,
  ): Promise<MaterializeOutcome> {
    try {
      const outcome = await materialize(run);
      job.state = { kind: "succeeded", endedAt: this.#clock.now(), outcome };
      return outcome;
    } catch (error) {
      job.state = { kind: "failed", endedAt: this.#clock.now(), error };
      throw error;
    }
  }

  #running(): Job[] {
    return [...this.#jobs.values()].filter(({ state }) => state.kind === "running");
  }

  #forget(): void {
    for (const [id, { state }] of this.#jobs) {
      if (this.#jobs.size <= MAX_JOBS) return;
      if (state.kind !== "running") this.#jobs.delete(id);
    }
  }
}

function refuseAll(): never {
  throw new LarderError("UNSUPPORTED", {
    what: "This server has no way to materialize: it is one of several workers, of which none knows the others' runs, or was made without",
    remedy: "Run `larder materialize`, or start `larder serve` without --workers",
  });
}

function underWay(view: string, tenant: string): LarderError {
  return new LarderError("STORE_CONFLICT", {
    what: `Feature view "${view}" of tenant "${tenant}" is being materialized`,
    remedy: "Wait until that run has ended, and send the request again",
    facts: { field: "feature_views", view, tenant },
  });
}

function tooMany(): LarderError {
  return new LarderError("RATE_LIMITED", {
    what: `${MAX_RUNNING} runs are under way, as many as this server takes`,
    remedy: "Wait until one has ended, and send the request again",
    facts: { limit: MAX_RUNNING },
  });
}
