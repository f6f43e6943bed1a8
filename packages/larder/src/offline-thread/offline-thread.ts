import { availableParallelism } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { type Definitions, findView, isLarderError, LarderError, loadDefinitions } from "@larder/schema";
import { fingerprintSource, type LatestRowsChunk, openDuckDb, readLatestRows } from "@larder/training-features";
import type {
  OfflineAnswer,
  OfflineFailure,
  OfflineRequest,
  OfflineStart,
  OfflineWork,
  Reading,
} from "./offline-protocol.ts";

/**
 * The thread that reads the offline store for a server. DuckDB's own work is on threads of its own, but loading its library, fetching its results
 * and making records of them would each hold up requests for tens to hundreds of milliseconds.
 */

const start = workerData as OfflineStart;
const port = parentPort;
if (port === null) throw new Error("offline-thread.ts runs as a worker thread");
const say = (answer: OfflineAnswer): void => port.postMessage(answer);

const cancelled = new AbortController();
let definitions: Promise<Definitions> | undefined;
let reading: AsyncGenerator<LatestRowsChunk> | undefined;

port.on("message", (request: OfflineRequest) => {
  if (request.kind === "abort") cancelled.abort();
  else void perform(request).then(say, (error: unknown) => say({ kind: "failed", failure: failureOf(error) }));
});

async function perform(work: OfflineWork): Promise<OfflineAnswer> {
  switch (work.kind) {
    case "fingerprint": {
      definitions ??= load();
      const loaded = await definitions;
      const fingerprint = await fingerprintSource(loaded, findView(loaded, work.view), work.tenant);
      return { kind: "fingerprint", fingerprint };
    }
    case "open": {
      definitions ??= load();
      reading = read(await definitions, work.reading);
      return { kind: "done" };
    }
    case "next": {
      const next = await reading?.next();
      return next === undefined || next.done === true ? { kind: "done" } : { kind: "chunk", chunk: next.value };
    }
    case "stop":
      await reading?.return(undefined);
      reading = undefined;
      return { kind: "done" };
  }
}

/** One core is left to those who are served. */
async function* read(loaded: Definitions, { view, ...request }: Reading): AsyncGenerator<LatestRowsChunk> {
  await using engine = await openDuckDb({ threads: Math.max(1, availableParallelism() - 1) });
  const { signal } = cancelled;
  yield* readLatestRows({ ...request, definitions: loaded, view: findView(loaded, view), engine, signal });
}

/** @throws CONFIG_INVALID when the file is another one by now: rows would be read by other rules than they are served by */
async function load(): Promise<Definitions> {
  const loaded = await loadDefinitions(start.file, { env: start.env });
  if (loaded.hash === start.hash && loaded.offlineStore.path === start.folder) return loaded;
  throw new LarderError("CONFIG_INVALID", {
    what: `${start.file} has changed since the server started`,
    remedy: "Restart the server, and materialize then",
    facts: { file: start.file },
  });
}

function failureOf(error: unknown): OfflineFailure {
  const known = isLarderError(error)
    ? error
    : new LarderError("INTERNAL", {
        what: `Reading the offline store failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        remedy: "Report it with this log line",
      });
  const { code, what, remedy, facts, retryable, problems } = known;
  return { code, what, remedy, facts, retryable, problems };
}
