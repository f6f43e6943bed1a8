import { clockMs, createHttpLoad, type Pacer, postRequest, startPacer } from "@larder/testkit/load";
import { CUSTOMERS } from "./data.ts";
import { bodyOf, PATH, type Work } from "./peers.ts";
import { cpuOf, treeCpuOf } from "./process-tree.ts";
import { LIMIT_MS, type Rows, SHARE } from "./settings.ts";

/** What came of a while at one rate. Times are milliseconds from when a request was due. */
export interface Sample {
  readonly rate: number;
  readonly due: number;
  /** Of answers 200, in order of size. */
  readonly times: readonly number[];
  /** Answers otherwise than 200. */
  readonly failures: number;
  /** Microseconds of CPU that server, Redis and generator took in all. */
  readonly cpu: { readonly server: number; readonly redis: number; readonly load: number };
  /** Of the wall time. */
  readonly seconds: number;
  /** How late the generator sent, p99, requests that had to wait for a connection included. */
  readonly lateP99: number;
  /** What ended it, where something did. */
  readonly error: string | undefined;
}

/** Pids whose CPU is counted. */
export interface Pids {
  readonly server: number;
  readonly redis: number;
}

/** Requests of one kind, for other customers each. */
export function requestsOf(work: Work, rows: Rows): readonly Buffer[] {
  return Array.from({ length: 97 }, (_, turn) => {
    const customers = Array.from({ length: rows }, (_, i) => 1 + ((turn * 1009 + i * 53) % CUSTOMERS));
    return postRequest(PATH[work], bodyOf(work, customers));
  });
}

/** Sends the requests of a run. */
export interface Generator extends AsyncDisposable {
  /** As many requests as are answered, for a while, so that code is compiled and caches are warm. */
  warmUp(port: number, requests: readonly Buffer[], ms: number): Promise<void>;
  /** Sends requests at a rate, whatever becomes of those before. A connection that ends, or answers that do not come, are part of what is told. */
  sampleAt(target: Target, requests: readonly Buffer[], rate: number, ms: number): Promise<Sample>;
}

/** A server, and whose CPU is counted. */
export interface Target {
  readonly port: number;
  readonly pids: Pids;
}

/** Resolves once its pacing thread runs: a thread that starts while requests are due makes them late. */
export async function startGenerator(): Promise<Generator> {
  let pacer = await startedPacer();
  return {
    async warmUp(port, requests, ms) {
      await createHttpLoad(port, pacer).asFastAsAnswered(requests, 4, ms);
    },
    async sampleAt({ port, pids }, requests, rate, ms) {
      // Servers and Redis are children of this process.
      const cpu = () => ({ server: treeCpuOf(pids.server), redis: treeCpuOf(pids.redis), load: cpuOf(process.pid) });
      const before = cpu();
      const start = performance.now();
      const load = createHttpLoad(port, pacer);
      const found = await within(ms + PATIENCE_MS, load.atRate(requests, rate, ms)).catch((error: Error) => error);
      const seconds = (performance.now() - start) / 1000;
      const after = cpu();
      if (found instanceof Error) {
        // It may still be pacing what has ended.
        await pacer[Symbol.asyncDispose]();
        pacer = await startedPacer();
      }
      const told = found instanceof Error ? undefined : found;
      return {
        rate,
        due: told?.due ?? Math.floor((ms * rate) / 1000),
        times: (told?.times ?? []).toSorted((a, b) => a - b),
        failures: told?.failures ?? 0,
        cpu: {
          server: after.server - before.server,
          redis: after.redis - before.redis,
          load: after.load - before.load,
        },
        seconds,
        lateP99: percentile(
          (told?.lags ?? []).toSorted((a, b) => a - b),
          0.99,
        ),
        error: found instanceof Error ? found.message : undefined,
      };
    },
    [Symbol.asyncDispose]: () => pacer[Symbol.asyncDispose](),
  };
}

async function startedPacer(): Promise<Pacer> {
  const pacer = startPacer();
  await pacer.run({ start: clockMs(), rate: 1_000, milliseconds: 5 }, () => {});
  return pacer;
}

/** Whether so many of those that were due had a good answer in time, and none had another. */
export function isHeld({ due, times, failures, error }: Sample): boolean {
  const inTime = times.filter((time) => time < LIMIT_MS).length;
  return error === undefined && failures === 0 && due > 0 && inTime >= SHARE * due;
}

/** The value that a share of the values, which are in order, is at most. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** For answers that are still on their way when nothing more is sent. */
const PATIENCE_MS = 30_000;

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`No answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
