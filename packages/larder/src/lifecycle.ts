import { LarderError } from "@larder/schema";

/** Something that was opened, and how to close it. */
interface Opened {
  readonly name: string;
  readonly close: () => Promise<unknown> | unknown;
}

/** Milliseconds that closing everything may take. */
export const CLOSE_MS = 10_000;

/** Settings of a {@link Lifecycle}. */
export interface LifecycleOptions {
  /** Milliseconds that closing everything may take. Default {@link CLOSE_MS}. */
  readonly deadlineMs?: number;
  /** Told of each part that failed to close or was still closing at the deadline. */
  readonly onProblem?: (problem: LarderError) => void;
}

/** Opens in order, closes in reverse, within one deadline. A part that fails or hangs does not keep the earlier ones from being closed. */
export class Lifecycle {
  readonly #opened: Opened[] = [];
  readonly #deadlineMs: number;
  readonly #onProblem: (problem: LarderError) => void;
  #closing: Promise<readonly LarderError[]> | undefined;

  constructor(options: LifecycleOptions = {}) {
    this.#deadlineMs = options.deadlineMs ?? CLOSE_MS;
    this.#onProblem = options.onProblem ?? (() => {});
  }

  /** Remembers how to close something that is open now; `name` is for messages. */
  opened(name: string, close: () => Promise<unknown> | unknown): void {
    this.#opened.push({ name, close });
  }

  /** Opens something that has a `close` and remembers it. */
  async open<T extends { close(): Promise<unknown> | unknown }>(name: string, open: () => Promise<T> | T): Promise<T> {
    const part = await open();
    this.opened(name, () => part.close());
    return part;
  }

  /** Closes everything in reverse order and answers what did not close; a second call waits for the first. */
  close(): Promise<readonly LarderError[]> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<readonly LarderError[]> {
    const end = performance.now() + this.#deadlineMs;
    const problems: LarderError[] = [];
    for (let part = this.#opened.pop(); part !== undefined; part = this.#opened.pop()) {
      const problem = await closeWithin(part, Math.max(0, end - performance.now()));
      if (problem === undefined) continue;
      problems.push(problem);
      this.#onProblem(problem);
    }
    return problems;
  }
}

/** One Ctrl-C arrives twice under npm and the like, from the terminal and from the parent: only a later one is a second one. Milliseconds. */
const ECHO_MS = 500;

/**
 * Runs `work` with a signal that aborts at the first SIGINT or SIGTERM; its reason is an ABORTED error. A second signal ends the process at once
 * with exit code 1, since the user has asked twice. The handlers are gone when `work` has settled.
 */
export async function withSignals<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let first = Number.POSITIVE_INFINITY;
  const onSignal = (name: NodeJS.Signals): void => {
    if (performance.now() > first + ECHO_MS) process.exit(1);
    if (controller.signal.aborted) return;
    first = performance.now();
    controller.abort(
      new LarderError("ABORTED", {
        what: `Stopped by ${name}`,
        remedy: "Run the same command again when you are ready",
        facts: { signal: name },
      }),
    );
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

async function closeWithin(part: Opened, ms: number): Promise<LarderError | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<LarderError>();
  const timer = setTimeout(
    () =>
      resolve(
        new LarderError("INTERNAL", {
          what: `${part.name} was still closing at the deadline`,
          remedy: "Look for a call that never ends; the process ends without it",
          facts: { part: part.name },
        }),
      ),
    ms,
  );
  try {
    return await Promise.race([late, closed(part)]);
  } finally {
    clearTimeout(timer);
  }
}

async function closed(part: Opened): Promise<LarderError | undefined> {
  try {
    await part.close();
    return undefined;
  } catch (cause) {
    return new LarderError("INTERNAL", {
      what: `${part.name} failed to close: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: "The other parts were closed; see the cause",
      facts: { part: part.name },
      cause,
    });
  }
}
