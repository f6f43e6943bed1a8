import cluster, { type Worker } from "node:cluster";
import { isLarderError, LarderError } from "@larder/schema";
import type { MetricsPeers, MetricsSnapshot, PeerMetrics } from "@larder/serving";
import type { FromWorker, SentError, ToWorker } from "./messages.ts";

/** Longest wait for the metrics of the others, in milliseconds; the supervisor waits less. */
const COLLECT_MS = 3_000;

/** A worker's end of the line to its supervisor. */
export class WorkerLink {
  readonly number: number;
  readonly #worker: Worker;
  readonly #stop = new AbortController();
  readonly #retire = new AbortController();
  readonly #asked = new Map<number, (metrics: PeerMetrics) => void>();
  #asks = 0;
  #own: (() => Promise<MetricsSnapshot>) | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.number = worker.id;
    process.on("message", this.#onMessage);
  }

  /** Aborts when the whole server ends. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborts when another worker has taken this one's place. */
  get retire(): AbortSignal {
    return this.#retire.signal;
  }

  readonly peers: MetricsPeers = {
    join: (own) => {
      this.#own = own;
    },
    others: async (own) => {
      const id = ++this.#asks;
      const { promise, resolve } = Promise.withResolvers<PeerMetrics | undefined>();
      this.#asked.set(id, resolve);
      const timer = setTimeout(() => resolve(undefined), COLLECT_MS);
      try {
        await this.#send({ kind: "collect", id, metrics: own });
        return await promise;
      } finally {
        clearTimeout(timer);
        this.#asked.delete(id);
      }
    },
  };

  ready(url: string): void {
    void this.#send({ kind: "ready", url });
  }

  /** Tells the supervisor, which reports it. */
  async failed(thrown: unknown): Promise<void> {
    await this.#send({ kind: "failed", error: sentError(thrown) });
  }

  /** Hands the last counts over and ends the line, so that the process can end. */
  async leave(): Promise<void> {
    if (this.#own !== undefined) await this.#send({ kind: "last", metrics: await this.#own() });
    process.off("message", this.#onMessage);
    this.#worker.disconnect();
  }

  readonly #onMessage = (message: unknown): void => {
    const told = message as ToWorker;
    switch (told.kind) {
      case "stop":
        this.#stop.abort(stopped("stop"));
        return;
      case "retire":
        this.#retire.abort(stopped("retire"));
        return;
      case "collect":
        void this.#own?.().then((metrics) => this.#send({ kind: "snapshot", id: told.id, metrics }));
        return;
      case "collected":
        this.#asked.get(told.id)?.(told.metrics);
        return;
    }
  };

  /** Settles when the message is on its way. A supervisor that is gone ends this process by itself. */
  async #send(message: FromWorker): Promise<void> {
    if (!this.#worker.isConnected()) return;
    await new Promise<void>((resolve) => void process.send?.(message, undefined, undefined, () => resolve()));
  }
}

/** The line to the supervisor, in a process that is a worker. */
export function workerLink(): WorkerLink | undefined {
  return cluster.worker === undefined ? undefined : new WorkerLink(cluster.worker);
}

function stopped(signal: string): LarderError {
  return new LarderError("ABORTED", {
    what: "Stopped by the supervisor",
    remedy: "Nothing needs to be done",
    facts: { signal },
  });
}

function sentError(thrown: unknown): SentError {
  if (isLarderError(thrown)) {
    const { code, what, remedy, facts, problems, message } = thrown;
    return { code, what, remedy, facts, problems, message };
  }
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  const remedy = "Report it with the log";
  return { code: "INTERNAL", what, remedy, facts: {}, problems: [], message: `${what}. ${remedy}.` };
}
