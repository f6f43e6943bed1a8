import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { within } from "./deadline.ts";

/** How to start a child process. */
export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Folder to remove if this process dies before the child is ended. */
  readonly folder?: string;
}

/** How a child process ended: an exit code or the signal that ended it. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process that never outlives this one, not even when this one is killed. */
export interface ChildHandle {
  readonly pid: number;
  /** What it has written so far, cut to the last MiB. */
  readonly stdout: string;
  readonly stderr: string;
  /** Its end, or undefined while it runs. */
  readonly ended: ProcessEnd | undefined;
  /** The first line of stdout or stderr, past or future, that matches. Fails when the child ends first or after `ms` (default 60,000). */
  waitForLine(pattern: RegExp, ms?: number): Promise<string>;
  /** Waits for the end, at most `ms` (default 120,000). */
  waitForExit(ms?: number): Promise<ProcessEnd>;
  /** Sends a signal; nothing happens when it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** Sends SIGTERM, after `ms` (default 5,000) SIGKILL, and waits for the end. */
  end(ms?: number): Promise<ProcessEnd>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A finished run. */
export interface ProcessResult extends ProcessEnd {
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `command`. Fails when it can't be started. */
export async function startProcess(
  command: string,
  args: readonly string[] = [],
  options: ProcessOptions = {},
): Promise<ChildHandle> {
  const child = spawn(command, [...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  // once() rejects with the child's "error" event: a missing command, a missing folder.
  await once(child, "spawn");
  return new Child(command, child, startGuard(child.pid ?? 0, options.folder ?? ""));
}

/** Runs `command` to its end, at most `ms` (default 120,000); a child that takes longer is killed and the call fails. */
export async function runProcess(
  command: string,
  args: readonly string[] = [],
  options: ProcessOptions & { readonly ms?: number } = {},
): Promise<ProcessResult> {
  await using child = await startProcess(command, args, options);
  const end = await child.waitForExit(options.ms);
  return { ...end, stdout: child.stdout, stderr: child.stderr };
}

const KEPT = 1024 * 1024;

class Child implements ChildHandle {
  readonly pid: number;
  stdout = "";
  stderr = "";
  ended: ProcessEnd | undefined;
  readonly #command: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<ProcessEnd>;
  readonly #watchers = new Set<() => void>();

  constructor(command: string, child: ChildProcess, guard: ChildProcess) {
    this.pid = child.pid ?? 0;
    this.#command = command;
    this.#child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout = (this.stdout + text).slice(-KEPT);
      this.#tell();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr = (this.stderr + text).slice(-KEPT);
      this.#tell();
    });
    child.once("exit", () => guard.kill("SIGKILL"));
    // "close" comes after "exit", when both streams are drained as well: nothing written is missed. The guard must be gone too.
    const guardGone = new Promise<void>((resolve) => guard.once("close", () => resolve()));
    this.#exit = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        this.ended = { code, signal };
        this.#tell();
        const end = this.ended;
        void guardGone.then(() => resolve(end));
      });
    });
  }

  waitForLine(pattern: RegExp, ms = 60_000): Promise<string> {
    let watcher = () => {};
    const found = new Promise<string>((resolve, reject) => {
      watcher = () => {
        const line = `${this.stdout}\n${this.stderr}`.split("\n").find((text) => pattern.test(text));
        if (line !== undefined) resolve(line);
        else if (this.ended !== undefined) reject(new Error(`${this.#command} ended without it. ${this.#described()}`));
      };
      this.#watchers.add(watcher);
      watcher();
    });
    const waitingFor = () => `a line like ${pattern} from ${this.#command}. ${this.#described()}`;
    return within(ms, waitingFor, found).finally(() => this.#watchers.delete(watcher));
  }

  waitForExit(ms = 120_000): Promise<ProcessEnd> {
    return within(ms, () => `the end of ${this.#command}. ${this.#described()}`, this.#exit);
  }

  signal(signal: NodeJS.Signals): void {
    // Through the handle, never by number: an ended child's number may belong to somebody else by now.
    this.#child.kill(signal);
  }

  async end(ms = 5_000): Promise<ProcessEnd> {
    if (this.ended === undefined) {
      this.signal("SIGTERM");
      this.signal("SIGCONT");
    }
    const kill = setTimeout(() => this.signal("SIGKILL"), ms);
    try {
      return await this.waitForExit(ms + 5_000);
    } finally {
      clearTimeout(kill);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
  }

  #described(): string {
    const end = this.ended === undefined ? "It runs" : `It ended with ${this.ended.signal ?? this.ended.code}`;
    return `${end}; stdout: ${JSON.stringify(this.stdout.slice(-2000))}; stderr: ${JSON.stringify(this.stderr.slice(-2000))}`;
  }
}

/**
 * A shell that waits on a pipe from this process. When this process dies, however it dies, the system closes the pipe and the shell kills the
 * child and removes its folder. It is killed itself as soon as the child ends, so that it can't hit a reused process number.
 */
function startGuard(pid: number, folder: string): ChildProcess {
  const script = 'read -r _; kill -9 "$1" 2>/dev/null; [ -z "$2" ] || { sleep 0.1; rm -rf -- "$2"; }';
  const guard = spawn("/bin/sh", ["-c", script, "larder-test-guard", String(pid), folder], {
    stdio: ["pipe", "ignore", "ignore"],
    // A group of its own: a Ctrl-C in the terminal must not end the guard before it has done its work.
    detached: true,
  });
  guard.stdin?.on("error", () => {});
  return guard;
}
