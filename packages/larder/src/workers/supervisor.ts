import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { LarderError } from "@larder/schema";
import type { Logger } from "pino";
import { LastingCounts } from "./lasting-counts.ts";
import type { FromWorker, SentError, ToWorker } from "./messages.ts";

/** What a supervisor needs. */
export interface SupervisorParts {
  /** How many workers, at least one. */
  readonly count: number;
  /** The port that all of them listen on. */
  readonly port: number;
  readonly logger: Logger;
  /** Ends all of them. */
  readonly signal: AbortSignal;
  /** How long a worker may take to end, in milliseconds. */
  readonly endMs: number;
  /** Called once, when all of them answer requests. */
  readonly onListening: (url: string) => void;
}

/** Longest wait for a worker to answer requests, in milliseconds: models are loaded and warmed up in it. */
const START_MS = 120_000;

/** Wait before a crashed worker is replaced, in milliseconds: doubled with every crash in a row, up to the second. */
const BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5_000;

/** A crash of a worker that served for so many milliseconds begins a new row; so many in a row above the number of workers are a loop, which helps nobody. */
const SOUND_MS = 60_000;
const CRASHES_ABOVE_COUNT = 3;

/**
 * Runs this command as so many workers on one port until the signal. SIGHUP replaces them one by one, each when the next answers; one that crashes is
 * replaced after a wait. The supervisor holds the port and hands connections out in turn, so that none is lost while a worker changes.
 * @throws what keeps the first workers from starting; WORKER_CRASHED for a crash loop
 */
export async function supervise(parts: SupervisorParts): Promise<void> {
  await new Supervisor(parts).run();
}

class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #counts = new LastingCounts();
  /** Those that answer requests, by their place. */
  readonly #serving = new Map<number, Worker>();
  /** Every worker that has not ended. */
  readonly #alive = new Set<Worker>();
  readonly #fatal = Promise.withResolvers<never>();
  /** In a row. */
  #crashes = 0;
  #crashesEver = 0;
  #rolling: Promise<void> | undefined;
  #rollAgain = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#fatal.promise.catch(() => {});
  }

  async run(): Promise<void> {
    const { count, port, signal, onListening } = this.#parts;
    cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.setupPrimary({ args: [...process.argv.slice(2), "--port", String(port)] });
    const onHangup = () => void this.#roll();
    process.on("SIGHUP", onHangup);
    try {
      const places = Array.from({ length: count }, (_, place) => place);
      const stop = signal.aborted ? undefined : once(signal, "abort");
      const started = Promise.all(places.map((place) => this.#start(place)));
      await Promise.race([started, stop, this.#fatal.promise]);
      if (signal.aborted) return;
      onListening((await started)[0] as string);
      await Promise.race([stop, this.#fatal.promise]);
    } finally {
      process.off("SIGHUP", onHangup);
      await this.#end();
    }
  }

  /** Starts a worker for a place, ends the one that is there when the new one answers, and tells the address. */
  async #start(place: number): Promise<string> {
    const { logger } = this.#parts;
    const worker = cluster.fork();
    this.#alive.add(worker);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let failure: LarderError | undefined;
    let servingSince = Number.POSITIVE_INFINITY;
    worker.on("message", (message: FromWorker) => {
      if (message.kind === "ready") resolve(message.url);
      else if (message.kind === "failed") failure = receivedError(message.error);
      else this.#counts.told(worker.id, message);
      if (message.kind === "collect") void this.#collect(worker, message.id);
    });
    worker.once("exit", (code: number, killed: string | null) => {
      this.#alive.delete(worker);
      this.#counts.left(worker.id);
      const served = this.#serving.get(place) === worker;
      if (served) this.#serving.delete(place);
      const crash = failure ?? crashed(worker, killed ?? `exit code ${code}`);
      reject(crash);
      if (!served) return;
      if (performance.now() - servingSince > SOUND_MS) this.#crashes = 0;
      this.#replaceCrashed(place, crash);
    });
    const timer = setTimeout(() => worker.process.kill("SIGKILL"), START_MS);
    try {
      const url = await promise;
      const before = this.#serving.get(place);
      this.#serving.set(place, worker);
      servingSince = performance.now();
      logger.info({ worker: worker.id, pid: worker.process.pid }, "worker started");
      if (before !== undefined) await this.#endOne(before, { kind: "retire" });
      return url;
    } finally {
      clearTimeout(timer);
    }
  }

  #replaceCrashed(place: number, crash: LarderError): void {
    const { signal, logger, count } = this.#parts;
    if (signal.aborted) return;
    this.#crashes++;
    this.#crashesEver++;
    logger.error({ code: crash.code, facts: crash.facts }, crash.message);
    if (this.#crashes > count + CRASHES_ABOVE_COUNT) {
      this.#fatal.reject(crashLoop(this.#crashes, crash));
      return;
    }
    const backoff = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** (this.#crashes - 1));
    void this.#startAfter(backoff, place);
  }

  async #startAfter(ms: number, place: number): Promise<void> {
    try {
      await wait(ms, undefined, { signal: this.#parts.signal });
    } catch {
      return; // The whole server ends.
    }
    try {
      await this.#start(place);
    } catch (error) {
      this.#replaceCrashed(place, error as LarderError);
    }
  }

  /** Replaces every worker by a new one; what comes while it does is one more round. */
  #roll(): Promise<void> {
    this.#rollAgain = true;
    this.#rolling ??= (async () => {
      const { logger, signal } = this.#parts;
      while (this.#rollAgain && !signal.aborted) {
        this.#rollAgain = false;
        let replaced = true;
        for (const place of [...this.#serving.keys()]) {
          replaced = !signal.aborted && (await this.#replace(place));
          if (!replaced) break;
        }
        if (replaced) logger.info("workers replaced");
      }
      this.#rolling = undefined;
    })();
    return this.#rolling;
  }

  /** False where the new one does not start: the old ones stay. */
  async #replace(place: number): Promise<boolean> {
    const { logger } = this.#parts;
    try {
      await this.#start(place);
      return true;
    } catch (error) {
      const { code, message, facts } = error as LarderError;
      logger.error({ code, facts }, `The workers that run stay: ${message}`);
      return false;
    }
  }

  /** Asks all others for their metrics, for one of them. */
  async #collect(asker: Worker, id: number): Promise<void> {
    const others = [...this.#serving.values()].filter((worker) => worker !== asker && worker.isConnected());
    const snapshots = await this.#counts.collect(others, (worker, ask) => send(worker, { kind: "collect", id: ask }));
    const metrics = {
      snapshots: [...snapshots, this.#counts.departed()],
      workers: this.#serving.size,
      crashes: this.#crashesEver,
    };
    send(asker, { kind: "collected", id, metrics });
  }

  async #end(): Promise<void> {
    await Promise.all([...this.#alive].map((worker) => this.#endOne(worker, { kind: "stop" })));
  }

  async #endOne(worker: Worker, how: ToWorker): Promise<void> {
    if (!this.#alive.has(worker)) return;
    const exit = once(worker, "exit");
    const timer = setTimeout(() => worker.process.kill("SIGKILL"), this.#parts.endMs);
    send(worker, how);
    await exit;
    clearTimeout(timer);
  }
}

function send(worker: Worker, message: ToWorker): void {
  // One that has just ended is noticed by its exit.
  if (worker.isConnected()) worker.send(message, undefined, () => {});
}

function receivedError({ code, ...init }: SentError): LarderError {
  return new LarderError(code, init);
}

function crashed(worker: Worker, how: string): LarderError {
  return new LarderError("WORKER_CRASHED", {
    what: `Worker ${worker.id} ended by itself (${how})`,
    remedy: "Look above for what it said last; a replacement starts after a wait",
    facts: { worker: worker.id, pid: worker.process.pid, how },
  });
}

function crashLoop(crashes: number, cause: LarderError): LarderError {
  return new LarderError("WORKER_CRASHED", {
    what: `Workers crashed ${crashes} times in a row, at last with ${cause.code}: ${cause.what}`,
    remedy: cause.code === "WORKER_CRASHED" ? "Look in the log for what they said last" : cause.remedy,
    facts: { crashes, last: cause.code },
    problems: cause.problems,
    cause,
  });
}
