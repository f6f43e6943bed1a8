import { availableParallelism } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import {
  type Definitions,
  findFeature,
  findService,
  findView,
  isLarderError,
  LarderError,
  loadDefinitions,
} from "@larder/schema";
import { fingerprintSource, openDuckDb, readLatestRows, streamTrainingSet } from "@larder/training-features";
import type {
  Join,
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
let reading: AsyncGenerator<OfflineAnswer> | undefined;

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
    case "join": {
      definitions ??= load();
      reading = join(await definitions, work.join);
      return { kind: "done" };
    }
    case "next": {
      const next = await reading?.next();
      return next === undefined || next.done === true ? { kind: "done" } : next.value;
    }
    case "stop":
      await reading?.return(undefined);
      reading = undefined;
      return { kind: "done" };
  }
}

/** One core is left to those who are served. */
const THREADS = Math.max(1, availableParallelism() - 1);

async function* read(loaded: Definitions, { view, ...request }: Reading): AsyncGenerator<OfflineAnswer> {
  await using engine = await openDuckDb({ threads: THREADS });
  const { signal } = cancelled;
  const chunks = readLatestRows({ ...request, definitions: loaded, view: findView(loaded, view), engine, signal });
  for await (const chunk of chunks) yield { kind: "chunk", chunk };
}

async function* join(loaded: Definitions, work: Join): AsyncGenerator<OfflineAnswer> {
  const { memoryLimitBytes, spillLimitBytes, featureService, features: names = [], ...request } = work;
  try {
    await using engine = await openDuckDb({ threads: THREADS, memoryLimitBytes, spillLimitBytes });
    const { signal } = cancelled;
    const features =
      featureService === undefined
        ? names.map((name) => findFeature(loaded, name))
        : findService(loaded, featureService).features;
    for await (const bytes of streamTrainingSet({ ...request, definitions: loaded, features, engine, signal }))
      yield { kind: "bytes", bytes };
  } catch (error) {
    throw "parquet" in work.entities && isLarderError(error) ? withoutPath(error, work.entities.parquet) : error;
  }
}

/** Who sent a Parquet file does not know where it was put. */
function withoutPath({ code, what, remedy, facts, retryable, cause }: LarderError, path: string): LarderError {
  const { file: _file, ...others } = facts;
  return new LarderError(code, { what: what.replaceAll(path, "the body"), remedy, facts: others, retryable, cause });
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
