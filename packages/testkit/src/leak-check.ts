import { createHook } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { Worker } from "node:worker_threads";

/** Finds what a piece of work has left open in this process. */
export interface LeakCheck {
  /**
   * Fails when sockets, servers, pipes, child processes, workers, watchers or timers that were made since the start still keep the process
   * alive, and names for each the line that made it. Waits up to `ms` (default 2,000) for those that are ending. Ends the check.
   */
  assertNothingLeft(ms?: number): Promise<void>;
}

/** Watches what is opened in this process from now on; call it before the work, for instance in `beforeAll`. */
export function startLeakCheck(): LeakCheck {
  // This process's own streams are made when they are first asked for, which is not the work's doing.
  for (const stream of [process.stdin, process.stdout, process.stderr]) stream.listenerCount("error");
  const opened = new Map<number | Worker, Opened>();
  const hook = createHook({
    init: (id, type, trigger, resource) => {
      const kind = WATCHED[type];
      if (kind === undefined) return;
      const cause = opened.get(trigger);
      const depth = cause === undefined || cause.depth === 4 ? 1 : cause.depth + 1;
      opened.set(id, { kind, resource, stack: new Error().stack ?? "", depth, cause: depth === 1 ? undefined : cause });
    },
    destroy: (id) => opened.delete(id),
    // Otherwise every promise of the work would pay for this.
    trackPromises: false,
  });
  const unwatch = watchWorkers(opened);
  hook.enable();
  return {
    assertNothingLeft: async (ms = 2_000) => {
      const deadline = performance.now() + ms;
      let left = stillOpen(opened);
      // Closing takes a few turns of the event loop. An immediate is no timer, so the wait does not see itself.
      while (left.length > 0 && performance.now() < deadline) {
        await new Promise((resolve) => setImmediate(resolve));
        left = stillOpen(opened);
      }
      hook.disable();
      unwatch();
      if (left.length > 0)
        throw new Error(`Left open: ${left.join("; ")}. Close what was opened, or use "await using".`);
    },
  };
}

/** Node's names of what keeps a process alive, and ours. Requests to the file system and DNS end by themselves. */
const WATCHED: Readonly<Record<string, string>> = {
  TCPWRAP: "a TCP connection",
  TCPSERVERWRAP: "a TCP server",
  PIPEWRAP: "a pipe",
  PIPESERVERWRAP: "a pipe server",
  UDPWRAP: "a UDP socket",
  PROCESSWRAP: "a child process",
  FSEVENTWRAP: "a file watcher",
  Timeout: "a timer",
  // Not a leak in itself, but what a server on a named host is made by.
  GETADDRINFOREQWRAP: "a name lookup",
};

/** Something that was made and has not ended. */
interface Opened {
  readonly kind: string;
  readonly resource: object;
  readonly stack: string;
  /** What led to it: the server of an accepted connection. Chains are cut at `depth` 4, so that they don't keep all history. */
  readonly cause: Opened | undefined;
  readonly depth: number;
}

/** A worker's handle does not tell when its thread has ended; the worker itself does. */
function watchWorkers(opened: Map<number | Worker, Opened>): () => void {
  let watching = true;
  subscribe("worker_threads", (message) => {
    if (!watching) return;
    const { worker } = message as { worker: Worker };
    opened.set(worker, {
      kind: "a worker thread",
      resource: worker,
      stack: new Error().stack ?? "",
      depth: 1,
      cause: undefined,
    });
    worker.once("exit", () => opened.delete(worker));
  });
  return () => {
    watching = false;
  };
}

function stillOpen(opened: ReadonlyMap<unknown, Opened>): string[] {
  return [...opened.values()].flatMap((item) => {
    const { resource } = item;
    if ("hasRef" in resource && typeof resource.hasRef === "function" && resource.hasRef() === false) return [];
    const maker = makerOf(item);
    return maker === undefined ? [] : [`${item.kind} made at ${maker}`];
  });
}

const RUNNER = /node_modules\/(?:@vitest|vitest|vite)\//;

/** The first line of the stack that is neither Node's nor ours nor the test runner's; undefined for what the runner made for itself. */
function makerOf(item: Opened): string | undefined {
  const lines = item.stack
    .split("\n")
    .slice(1)
    .filter((line) => !/\(?node:|leak-check\.ts/.test(line));
  const maker = lines.find((line) => !RUNNER.test(line));
  if (maker !== undefined) return maker.trim().replace(/^at /, "");
  if (lines.length > 0) return undefined;
  return item.cause === undefined ? "an unknown place" : makerOf(item.cause);
}
