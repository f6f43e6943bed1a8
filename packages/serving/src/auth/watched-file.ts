import { readFile, stat } from "node:fs/promises";
import { isLarderError, LarderError } from "@larder/schema";
import { fileStamp, stampOf } from "../watch/file-stamp.ts";
import { Looker } from "../watch/looker.ts";

/** Largest file of keys, in bytes. */
const MAX_KEY_FILE_BYTES = 4 * 1024 * 1024;

/** How to watch a file. */
export interface WatchOptions<T> {
  /** What the file is, for messages. */
  readonly what: string;
  /** @throws CONFIG_INVALID */
  readonly parse: (text: string) => T;
  /** Told when a change could not be read; what was read before goes on to count. */
  readonly onProblem: (problem: LarderError) => void;
  readonly pollMs: number;
}

/**
 * What a small file says, read again when it changes. It looks for changes at fixed times, never when it is asked. A file that is gone or broken
 * does not lock everybody out: what it said before counts until it can be read again.
 */
export class WatchedFile<T> {
  value: T;
  readonly #path: string;
  readonly #options: WatchOptions<T>;
  readonly #looker: Looker;
  #seen: string;

  /** @throws CONFIG_UNREADABLE, and what `parse` throws */
  static async open<T>(path: string, options: WatchOptions<T>): Promise<WatchedFile<T>> {
    const { seen, text } = await readWhole(path, options.what);
    return new WatchedFile(path, options, seen, options.parse(text));
  }

  private constructor(path: string, options: WatchOptions<T>, seen: string, value: T) {
    this.#path = path;
    this.#options = options;
    this.#seen = seen;
    this.value = value;
    this.#looker = new Looker(() => this.#look(), options.pollMs);
  }

  /** Resolves when a look that is under way has ended. */
  close(): Promise<void> {
    return this.#looker.close();
  }

  async #look(): Promise<void> {
    try {
      const now = await fileStamp(this.#path);
      if (now === this.#seen) return;
      // Remembered before it is read: a broken file is reported once, not at every look.
      this.#seen = now;
      const { seen, text } = await readWhole(this.#path, this.#options.what);
      this.value = this.#options.parse(text);
      this.#seen = seen;
    } catch (error) {
      this.#options.onProblem(isLarderError(error) ? error : unreadable(this.#options.what, this.#path, error));
    }
  }
}

/** The stamp is from before the text: a change in between is found by the next look. */
async function readWhole(path: string, what: string): Promise<{ readonly seen: string; readonly text: string }> {
  try {
    const stats = await stat(path);
    if (stats.size > MAX_KEY_FILE_BYTES) {
      throw new LarderError("CONFIG_INVALID", {
        what: `${what} ${path} has ${stats.size} bytes`,
        remedy: `Keep it below ${MAX_KEY_FILE_BYTES}`,
        facts: { file: path },
      });
    }
    return { seen: stampOf(stats), text: await readFile(path, "utf8") };
  } catch (error) {
    throw isLarderError(error) ? error : unreadable(what, path, error);
  }
}

function unreadable(what: string, path: string, cause: unknown): LarderError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  return new LarderError("CONFIG_UNREADABLE", {
    what: `${what} ${path} cannot be read (${code})`,
    remedy: code === "ENOENT" ? "Create it: `larder keys create` makes the first API key" : "Check its rights",
    facts: { file: path },
    cause,
  });
}
