import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { LatestRowsSource } from "@larder/materializer";
import { LarderError } from "@larder/schema";
import type { Join, OfflineAnswer, OfflineRequest, OfflineStart, OfflineWork } from "./offline-protocol.ts";

/** The offline store, read on a thread of its own. */
export interface OfflineReader extends AsyncDisposable {
  readonly source: LatestRowsSource;
  /** An Arrow IPC stream, of which the thread makes no more than is asked for. */
  join(join: Join): AsyncIterable<Uint8Array>;
}

/** Starts the thread; it lives until it is disposed of. When `signal` aborts, its work under way fails with ABORTED. */
export function openOfflineReader(start: OfflineStart, signal: AbortSignal): OfflineReader {
  // From source the thread has to find the other packages' sources, too.
  const [file, execArgv] = import.meta.url.endsWith(".ts")
    ? [new URL("./offline-thread.ts", import.meta.url), ["--conditions=@larder/source"]]
    : [new URL("./offline-thread.js", import.meta.url), []];
  const worker = new Worker(file, { workerData: start, execArgv, name: "larder-offline-reader" });
  let pending: PromiseWithResolvers<OfflineAnswer> | undefined;
  let broken: LarderError | undefined;
  const post = (request: OfflineRequest): void => worker.postMessage(request);
  const end = (cause: unknown): void => {
    broken ??= threadEnded(cause);
    pending?.reject(broken);
  };
  worker.on("message", (answer: OfflineAnswer) => pending?.resolve(answer));
  worker.on("error", end);
  worker.on("exit", () => end(undefined));
  const onAbort = (): void => post({ kind: "abort" });
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });

  /** One work at a time; the thread answers each. */
  const perform = async (work: OfflineWork): Promise<Exclude<OfflineAnswer, { kind: "failed" }>> => {
    if (broken !== undefined) throw broken;
    pending = Promise.withResolvers();
    post(work);
    const answer = await pending.promise;
    if (answer.kind !== "failed") return answer;
    const { code, ...failure } = answer.failure;
    throw new LarderError(code, failure);
  };

  async function* answersOf(opening: OfflineWork): AsyncGenerator<Exclude<OfflineAnswer, { kind: "failed" | "done" }>> {
    await perform(opening);
    try {
      for (;;) {
        const answer = await perform({ kind: "next" });
        if (answer.kind === "done") return;
        // A thread that is quick answers within one turn of the event loop, and requests would wait for the whole of it.
        await nextTurn();
        yield answer;
      }
    } finally {
      if (broken === undefined) await perform({ kind: "stop" });
    }
  }

  return {
    source: {
      fingerprintSource: async (_definitions, view, tenant) => {
        const answer = await perform({ kind: "fingerprint", view: view.name, tenant });
        if (answer.kind === "fingerprint") return answer.fingerprint;
        throw threadEnded(undefined);
      },
      async *readLatestRows({ view: { name: view }, tenant, start: from, end: to, late, chunkRows, after }) {
        const reading = { view, tenant, start: from, end: to, late, chunkRows, after };
        for await (const answer of answersOf({ kind: "open", reading }))
          if (answer.kind === "chunk") yield answer.chunk;
      },
    },
    async *join(join) {
      for await (const answer of answersOf({ kind: "join", join })) if (answer.kind === "bytes") yield answer.bytes;
    },
    [Symbol.asyncDispose]: async () => {
      signal.removeEventListener("abort", onAbort);
      broken ??= threadEnded(undefined);
      await worker.terminate();
    },
  };
}

function threadEnded(cause: unknown): LarderError {
  return new LarderError("OFFLINE_FAILED", {
    what: "The thread that reads the offline store ended",
    remedy: "Send the request again; if it ends again, see the cause and the memory of the machine",
    cause,
  });
}
