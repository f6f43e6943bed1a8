import { Worker } from "node:worker_threads";
import { LarderError } from "@larder/schema";
import type { ModelCall, Tensor } from "./model-runner.ts";
import type { ModelFile } from "./onnx-runner.ts";
import { type RunPart, type ThreadAnswer, type ThreadRequest, transferable } from "./thread-protocol.ts";
import { ThreadWork } from "./thread-work.ts";

/** Bounds of {@link ModelThreads}. */
export interface ModelThreadLimits {
  /** Most threads. Each holds a copy of every model it was asked for. */
  readonly threads: number;
  /** Most requests that wait or run at once. */
  readonly queue: number;
}

/**
 * The threads that run models on many rows. They start when they are first needed. Requests take turns, part by part, so that a long one does
 * not hold up those behind it. A thread that ends unasked fails the request that it ran, and another takes its place.
 */
export class ModelThreads {
  readonly #limits: ModelThreadLimits;
  readonly #threads = new Set<Thread>();
  /** In turn; those with a part under way stand in their thread. */
  readonly #waiting: ThreadWork[] = [];
  #ended = 0;
  #closing: Promise<void> | undefined;

  constructor(limits: ModelThreadLimits) {
    this.#limits = limits;
  }

  /** Requests that wait for a thread. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Requests of which a thread runs a part. */
  get running(): number {
    let running = 0;
    for (const { work } of this.#threads) if (work !== undefined) running++;
    return running;
  }

  /** Threads that ended unasked, since the start. */
  get ended(): number {
    return this.#ended;
  }

  /**
   * Runs all rows, in parts of `partRows` rows where that is given.
   * @param model tells models apart: a file loaded twice is two
   * @throws MODEL_BUSY where too many wait or the deadline passes, ABORTED, MODEL_FAILED, MODEL_NOT_READY after close
   */
  run(
    model: number,
    file: ModelFile,
    part: RunPart,
    partRows: number | undefined,
    { signal, deadline }: ModelCall,
  ): Promise<readonly Tensor[]> {
    if (this.#closing !== undefined) return Promise.reject(closed(file));
    if (this.waiting + this.running >= this.#limits.queue) return Promise.reject(this.#full(file));
    if (signal?.aborted === true) return Promise.reject(gone(file));
    const work = new ThreadWork(model, file, part, partRows);
    const drop = (error: LarderError): void => {
      const place = this.#waiting.indexOf(work);
      if (place !== -1) this.#waiting.splice(place, 1);
      work.fail(error);
    };
    const onAbort = (): void => drop(gone(file));
    signal?.addEventListener("abort", onAbort, { once: true });
    const left = deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
    const timer = left === undefined ? undefined : setTimeout(() => drop(late(file)), left);
    this.#waiting.push(work);
    this.#dispatch();
    return work.outcome.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    });
  }

  /** Frees a model in every thread. */
  forget(model: number): void {
    for (const { worker } of this.#threads) worker.postMessage({ kind: "forget", model } satisfies ThreadRequest);
  }

  /**
   * Fails what waits and ends the threads, each after the part it is at: the runtime takes the whole process down where its thread is ended during
   * a run. Safe to call twice.
   */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const work of this.#waiting.splice(0)) work.fail(closed(work.file));
      const threads = [...this.#threads];
      for (const { worker, work } of threads) {
        work?.fail(closed(work.file));
        worker.postMessage({ kind: "close" } satisfies ThreadRequest);
      }
      await Promise.all(threads.map(({ exited }) => exited));
    })();
    return this.#closing;
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && this.#closing === undefined) {
      const thread = this.#idle();
      if (thread === undefined) return;
      const work = this.#waiting.shift() as ThreadWork;
      const part = work.next();
      const request: ThreadRequest = { kind: "run", model: work.model, file: work.file, part };
      thread.work = work;
      thread.worker.postMessage(request, transferable(part.feeds.values()));
    }
  }

  #idle(): Thread | undefined {
    for (const thread of this.#threads) if (thread.work === undefined) return thread;
    return this.#threads.size < this.#limits.threads ? this.#start() : undefined;
  }

  #start(): Thread {
    // From source the thread has to find the other packages' sources, too.
    const [file, execArgv] = import.meta.url.endsWith(".ts")
      ? [new URL("./model-thread.ts", import.meta.url), ["--conditions=@larder/source"]]
      : [new URL("./model-thread.js", import.meta.url), []];
    const worker = new Worker(file, { execArgv, name: "larder-model" });
    let cause: unknown;
    worker.on("error", (error) => {
      cause = error;
    });
    const exited = new Promise<void>((resolve) => {
      worker.once("exit", () => {
        this.#threads.delete(thread);
        if (this.#closing === undefined) this.#ended++;
        thread.work?.fail(ended(thread.work.file, cause));
        this.#dispatch();
        resolve();
      });
    });
    const thread: Thread = { worker, exited, work: undefined };
    worker.on("message", (answer: ThreadAnswer) => this.#answered(thread, answer));
    this.#threads.add(thread);
    return thread;
  }

  #answered(thread: Thread, answer: ThreadAnswer): void {
    const { work } = thread;
    thread.work = undefined;
    if (work?.take(answer) === true) this.#waiting.push(work);
    this.#dispatch();
  }

  #full({ name: model }: ModelFile): LarderError {
    return new LarderError("MODEL_BUSY", {
      what: `${this.#limits.queue} large requests already wait for models`,
      remedy: "Repeat the request later, or send fewer rows at once",
      facts: { model, queue: this.#limits.queue },
    });
  }
}

interface Thread {
  readonly worker: Worker;
  readonly exited: Promise<void>;
  /** What it runs a part of; its caller may have gone by now. */
  work: ThreadWork | undefined;
}

function late({ name: model }: ModelFile): LarderError {
  return new LarderError("MODEL_BUSY", {
    what: `Model "${model}" was not done with the request in time`,
    remedy: "Repeat the request later, or send fewer rows at once",
    facts: { model },
  });
}

function gone({ name: model }: ModelFile): LarderError {
  return new LarderError("ABORTED", {
    what: "The caller went away before the model was done",
    remedy: "Wait for the answer",
    facts: { model },
  });
}

function closed({ name: model }: ModelFile): LarderError {
  return new LarderError("MODEL_NOT_READY", {
    what: `Model "${model}" is closed`,
    remedy: "Repeat the request against a server that is not shutting down",
    facts: { model },
  });
}

function ended({ name: model }: ModelFile, cause: unknown): LarderError {
  return new LarderError("MODEL_FAILED", {
    what: `The thread that ran model "${model}" ended`,
    remedy: "Repeat the request; if it ends again, see the log for its cause and look at the machine's memory",
    facts: { model },
    cause,
  });
}
