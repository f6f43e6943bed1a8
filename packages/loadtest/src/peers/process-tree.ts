import { readdirSync, readFileSync } from "node:fs";

/** A process as it was when it was looked at: another one with its number has another start. */
interface Seen {
  readonly pid: number;
  readonly start: string;
}

/** The process and all that it has started, and they in turn. Those that end while this looks are left out. */
export function treeOf(pid: number): readonly Seen[] {
  const start = startOf(pid);
  if (start === undefined) return [];
  const children = threadsOf(pid).flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(" "));
  return [{ pid, start }, ...children.filter((text) => text !== "").flatMap((child) => treeOf(Number(child)))];
}

/** CPU time that the process and all below it have taken, in microseconds. */
export function treeCpuOf(pid: number): number {
  return treeOf(pid).reduce((sum, each) => sum + cpuOf(each.pid), 0);
}

/** CPU time that the process itself has taken with its threads, in microseconds. */
export function cpuOf(pid: number): number {
  const nanoseconds = threadsOf(pid).map((id) => Number(read(`/proc/${pid}/task/${id}/schedstat`).split(" ")[0]));
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1000;
}

/** Memory of the process and all below it, MiB: what they share with others counts in part (PSS). */
export function memoryOf(pid: number): number {
  const kilobytes = treeOf(pid).map(({ pid: each }) =>
    Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${each}/smaps_rollup`))?.[1] ?? 0),
  );
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
}

/** Kills those of a tree that are still there. */
export function killLeft(tree: readonly Seen[]): void {
  for (const { pid, start } of tree) if (startOf(pid) === start) process.kill(pid, "SIGKILL");
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** When the process started, in ticks since the system did; undefined where there is none. */
function startOf(pid: number): string | undefined {
  // After the name, which is in brackets and may hold anything.
  return read(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[19];
}

/** Nothing of a process that is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
