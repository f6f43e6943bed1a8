import { Worker } from "node:worker_threads";
import { LarderError } from "@larder/schema";
import type { LogAnswer, LogRequest } from "./log-protocol.ts";

/** The main thread's end of {@link LogRequest}: one answered work at a time. */
export class LogWriter {
  readonly #worker: Worker;
  #pending: PromiseWithResolvers<LogAnswer> | undefined;
  #ended: LarderError | undefined;

  /** @param onEnd called once if the thread ends unasked; rows that it held are gone */
  constructor(onEnd: () => void) {
    // From source the thread has to find the other packages' sources, too.
    const [file, execArgv] = import.meta.url.endsWith(".ts")
      ? [new URL("./log-thread.ts", import.meta.url), ["--conditions=@larder/source"]]
      : [new URL("./log-thread.js", import.meta.url), []];
    this.#worker = new Worker(file, { execArgv, name: "larder-served-log" });
    // The log keeps nobody's process alive.
    this.#worker.unref();
    this.#worker.on("message", (answer: LogAnswer) => this.#pending?.resolve(answer));
    const end = (cause: unknown): void => {
      if (this.#ended !== undefined) return;
      this.#ended = threadEnded(cause);
      this.#pending?.reject(this.#ended);
      onEnd();
    };
    this.#worker.on("error", end);
    this.#worker.on("exit", () => end(undefined));
  }

  send(request: Extract<LogRequest, { kind: "rows" | "discard" }>): void {
    this.#worker.postMessage(request);
  }

  /** @throws OUTPUT_UNWRITABLE, INTERNAL where the thread has ended */
  async perform(request: Extract<LogRequest, { kind: "write" | "prune" }>): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    const pending = Promise.withResolvers<LogAnswer>();
    this.#pending = pending;
    this.#worker.ref();
    this.#worker.postMessage(request);
    try {
      const answer = await pending.promise;
      if (answer.kind === "failed") throw unwritable(answer.reason);
    } finally {
      this.#pending = undefined;
      this.#worker.unref();
    }
  }

  async close(): Promise<void> {
    this.#ended ??= threadEnded(undefined);
    this.#pending?.reject(this.#ended);
    await this.#worker.terminate();
  }
}

/** The log's folder or a file in it cannot be written. */
export function unwritable(reason: string, cause?: unknown): LarderError {
  return new LarderError("OUTPUT_UNWRITABLE", {
    what: `The log of served vectors cannot be written (${reason})`,
    remedy: "See that server.served_log.path is a folder that this process may write to, with room on its disk",
    facts: { field: "server.served_log.path" },
    cause,
  });
}

function threadEnded(cause: unknown): LarderError {
  return new LarderError("INTERNAL", {
    what: "The thread that writes the log of served vectors ended; its rows are lost",
    remedy: "It is started again for the next row; if it ends again, see the cause and the memory of the machine",
    cause,
  });
}
