import { Worker } from "node:worker_threads";
import { LarderError } from "@larder/schema";
import { aborted, type Call, storeClosed, timeLeft } from "../../call.ts";
import { lockTimeout, refusedError, sqliteError } from "./sqlite-errors.ts";
import {
  sharedNow,
  type WriterAnswers,
  type WriterMessage,
  type WriterRequest,
  type WriterStart,
  type WriterWork,
} from "./sqlite-protocol.ts";

/** Most works that wait for the thread at once, given up by their callers or not; further ones are refused. */
const MAX_QUEUED = 1_000;

/** How long `close` lets work that has been accepted come to its end. */
const CLOSE_WAIT_MS = 5_000;

/** The thread that writes, as promises. */
export interface SqliteWriter {
  /** Does one transaction. @throws STORE_TIMEOUT, STORE_UNAVAILABLE, STORE_CORRUPT, STORE_MISCONFIGURED, STORE_CLOSED, ABORTED */
  run<W extends WriterWork>(work: W, call: Call, deadline: number): Promise<WriterAnswers[W["kind"]]>;
  /** Ends the thread after the work it has accepted. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts the thread; it opens the file first. @throws STORE_MISCONFIGURED, STORE_FORMAT_NEWER, STORE_TIMEOUT, STORE_UNAVAILABLE */
export async function startSqliteWriter(start: WriterStart): Promise<SqliteWriter> {
  // The thread is a file beside this one, from source as from dist. It needs none of this process's options.
  const file = import.meta.url.endsWith(".ts")
    ? new URL("./sqlite-writer.ts", import.meta.url)
    : new URL("./sqlite-writer.js", import.meta.url);
  const worker = new Worker(file, { workerData: start, execArgv: [], name: "larder-sqlite-writer" });
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  try {
    await opened(worker, start.path);
  } catch (error) {
    await exited;
    throw error;
  }
  return createWriter(worker, exited, start.path);
}

function opened(worker: Worker, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("error", (cause) => reject(threadError(path, cause)));
    worker.once("message", (message: WriterMessage) => {
      if (message.kind === "refused") reject(refusedError(path, message));
      else resolve();
    });
  });
}

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: LarderError) => void;
}

function createWriter(worker: Worker, exited: Promise<void>, path: string): SqliteWriter {
  const pending = new Map<number, Pending>();
  let nextId = 0;
  let queued = 0;
  let broken: LarderError | undefined;
  let closing: Promise<void> | undefined;

  worker.on("message", (message: WriterMessage) => {
    if (message.kind === "opened" || message.kind === "refused") return;
    queued--;
    const waiting = pending.get(message.id);
    if (message.kind === "done") waiting?.resolve(message.answer as never);
    else waiting?.reject(message.kind === "timeout" ? lockTimeout(path) : sqliteError(path, message.failure));
  });
  worker.on("error", (cause) => {
    broken = threadError(path, cause);
  });
  void exited.then(() => {
    broken ??= closing === undefined ? threadError(path, undefined) : storeClosed();
    for (const { reject } of pending.values()) reject(broken);
  });

  return {
    run(work, { signal }, deadline) {
      const refused = broken ?? (queued >= MAX_QUEUED ? crowdedError(path) : undefined);
      if (refused !== undefined) return Promise.reject(refused);
      const id = nextId++;
      return new Promise((resolve, reject) => {
        const settle = (act: () => void): void => {
          if (!pending.delete(id)) return;
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
          act();
        };
        const onAbort = (): void => settle(() => reject(aborted(signal as AbortSignal)));
        const timer = setTimeout(() => settle(() => reject(lockTimeout(path))), timeLeft(deadline));
        signal?.addEventListener("abort", onAbort, { once: true });
        pending.set(id, {
          resolve: (answer) => settle(() => resolve(answer)),
          reject: (error) => settle(() => reject(error)),
        });
        const request: WriterRequest = { id, deadline: sharedNow() + timeLeft(deadline), work };
        worker.postMessage(request);
        queued++;
      });
    },

    close() {
      closing ??= (async () => {
        worker.postMessage("close");
        const timer = setTimeout(() => void worker.terminate(), CLOSE_WAIT_MS);
        await exited;
        clearTimeout(timer);
      })();
      return closing;
    },
  };
}

function crowdedError(path: string): LarderError {
  return new LarderError("STORE_UNAVAILABLE", {
    what: `${MAX_QUEUED} writes already wait for the online store's file ${path}`,
    remedy: "Repeat the call later, and write in larger batches",
    facts: { path },
  });
}

function threadError(path: string, cause: unknown): LarderError {
  return new LarderError("STORE_UNAVAILABLE", {
    what: `The thread that writes the online store's file ${path} ended`,
    remedy: "Open the store again",
    facts: { path },
    retryable: false,
    cause,
  });
}
