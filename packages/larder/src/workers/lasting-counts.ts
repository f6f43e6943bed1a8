import type { Worker } from "node:cluster";
import type { MetricsSnapshot } from "@larder/serving";
import type { FromWorker } from "./messages.ts";

/** Longest wait for a worker's metrics, in milliseconds; one that is busy for longer is left out of that reading. */
const COLLECT_MS = 2_000;

type Told = Extract<FromWorker, { kind: "collect" | "snapshot" | "last" }>;
type Metric = MetricsSnapshot[number];
type Value = Metric["values"][number] & { readonly metricName?: string };

/**
 * The metrics of several workers, of which some are gone. What those counted stays: otherwise a restart would take counts back, and every rate over it would
 * be wrong. A worker that ends says its last counts; of one that crashed those stay that were last read, which are all that anybody has seen.
 */
export class LastingCounts {
  readonly #departed = new Map<string, { readonly metric: Metric; readonly values: Map<string, Value> }>();
  /** What each worker said last. */
  readonly #last = new Map<number, MetricsSnapshot>();
  readonly #asked = new Map<number, (snapshot: MetricsSnapshot) => void>();
  #asks = 0;

  /** Takes what a worker says. */
  told(worker: number, message: Told): void {
    this.#last.set(worker, message.metrics);
    if (message.kind === "snapshot") this.#asked.get(message.id)?.(message.metrics);
  }

  /** Keeps what a worker that has ended counted. */
  left(worker: number): void {
    const snapshot = this.#last.get(worker);
    this.#last.delete(worker);
    for (const metric of snapshot ?? []) this.#add(metric);
  }

  /** Asks workers for their metrics. */
  async collect(workers: readonly Worker[], ask: (worker: Worker, id: number) => void): Promise<MetricsSnapshot[]> {
    const answers = await Promise.all(workers.map((worker) => this.#one((id) => ask(worker, id))));
    return answers.filter((answer) => answer !== undefined);
  }

  /** What is left of workers that are gone. */
  departed(): MetricsSnapshot {
    return [...this.#departed.values()].map(({ metric, values }) => ({ ...metric, values: [...values.values()] }));
  }

  async #one(ask: (id: number) => void): Promise<MetricsSnapshot | undefined> {
    const id = ++this.#asks;
    const { promise, resolve } = Promise.withResolvers<MetricsSnapshot | undefined>();
    this.#asked.set(id, resolve);
    const timer = setTimeout(() => resolve(undefined), COLLECT_MS);
    ask(id);
    const answer = await promise;
    clearTimeout(timer);
    this.#asked.delete(id);
    return answer;
  }

  #add(metric: Metric): void {
    // A gauge is of what runs.
    if (!["counter", "histogram"].includes(String(metric.type))) return;
    const known = this.#departed.get(metric.name) ?? { metric, values: new Map<string, Value>() };
    this.#departed.set(metric.name, known);
    for (const value of metric.values as readonly Value[]) {
      const key = JSON.stringify([value.metricName, Object.entries(value.labels).sort()]);
      known.values.set(key, { ...value, value: (known.values.get(key)?.value ?? 0) + value.value });
    }
  }
}
