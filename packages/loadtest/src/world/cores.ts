import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Of util-linux. */
const TASKSET = "taskset";
const SERVER_CORE = "0";
const OTHER_CORE = "1";

/** Where processes run: the server on one core, the generator and the store on another, so that neither steals the other's time. */
export interface Cores {
  readonly pinned: boolean;
  /** A command line of the server, put on its core. */
  server(command: readonly [string, ...string[]]): [string, ...string[]];
}

/** Ties this process, and what it starts, to the generator's core. Not pinned where the machine has one core or no taskset. */
export function pinCores(): Cores {
  const pinned = availableParallelism() > 1 && pinThis();
  return {
    pinned,
    server: (command) => (pinned ? [TASKSET, "-c", SERVER_CORE, ...command] : [...command]),
  };
}

function pinThis(): boolean {
  try {
    execFileSync(TASKSET, ["-apc", OTHER_CORE, String(process.pid)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
