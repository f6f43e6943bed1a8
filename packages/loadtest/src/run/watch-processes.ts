import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** What processes took in one second or so. */
export interface Usage {
  /** Seconds from the start of the watch. */
  readonly second: number;
  /** Cores, by process: 1 is one core in full. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Bytes in memory, by process. */
  readonly memory: Readonly<Record<string, number>>;
  /** How late the server's event loop was, 99th percentile, in milliseconds. */
  readonly eventLoopMs: number | undefined;
}

/** A watch over processes, until it is disposed. */
export interface ProcessWatch extends AsyncDisposable {
  readonly usage: readonly Usage[];
}

const EVERY_MS = 1_000;
/** Linux's unit of CPU time in /proc, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Reads /proc once a second, and how late the event loop of the server at `url` was; what can't be read is left out. */
export function watchProcesses(pids: Readonly<Record<string, number>>, url: string): ProcessWatch {
  const usage: Usage[] = [];
  const stopped = new AbortController();
  const began = performance.now();
  const watch = async () => {
    for (let last = { at: began, cpu: secondsOfAll(pids) }; ; ) {
      await setTimeout(EVERY_MS, undefined, { signal: stopped.signal });
      const eventLoopMs = await eventLoopDelay(url, stopped.signal);
      const now = { at: performance.now(), cpu: secondsOfAll(pids) };
      const seconds = (now.at - last.at) / 1000;
      usage.push({ second: (now.at - began) / 1000, ...taken(pids, now.cpu, last.cpu, seconds), eventLoopMs });
      last = now;
    }
  };
  const ended = watch().catch((error: unknown) => {
    if (!stopped.signal.aborted) throw error;
  });
  return {
    usage,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await ended;
    },
  };
}

function taken(pids: Readonly<Record<string, number>>, now: CpuSeconds, before: CpuSeconds, seconds: number) {
  const cpu: Record<string, number> = {};
  const memory: Record<string, number> = {};
  for (const [name, pid] of Object.entries(pids)) {
    const [end, start] = [now[name], before[name]];
    if (end !== undefined && start !== undefined) cpu[name] = (end - start) / seconds;
    const bytes = memoryOf(pid);
    if (bytes !== undefined) memory[name] = bytes;
  }
  return { cpu, memory };
}

/** The 99th percentile since the last reading, in milliseconds; undefined while the server does not answer. */
async function eventLoopDelay(url: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.any([signal, AbortSignal.timeout(EVERY_MS)]) });
    const found = /^larder_event_loop_delay_seconds\{quantile="0\.99"\} (\S+)$/m.exec(await answer.text());
    return found === null ? undefined : Number(found[1]) * 1000;
  } catch {
    return undefined;
  }
}

type CpuSeconds = Readonly<Record<string, number | undefined>>;

function secondsOfAll(pids: Readonly<Record<string, number>>): CpuSeconds {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSecondsOf(pid)]));
}

/** User and system time of all threads; undefined where the process is gone. */
function cpuSecondsOf(pid: number): number | undefined {
  const fields = readProc(`/proc/${pid}/stat`);
  // The name, in brackets, may hold spaces; after it come state and numbers, the 12th and 13th of which are user and system time.
  const after = fields?.slice(fields.lastIndexOf(")") + 2).split(" ");
  return after === undefined ? undefined : (Number(after[11]) + Number(after[12])) / TICKS_PER_SECOND;
}

function memoryOf(pid: number): number | undefined {
  const pages = readProc(`/proc/${pid}/statm`)?.split(" ")[1];
  return pages === undefined ? undefined : Number(pages) * PAGE_BYTES;
}

/** A process that ends while it is read is no failure of the watch. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
