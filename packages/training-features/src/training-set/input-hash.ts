import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { aborted } from "../offline/duckdb-error.ts";

/** SHA-256 (hex) of files' contents; each file is read once. */
export class InputHashes {
  readonly #known = new Map<string, string>();
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** @throws ABORTED; a file that cannot be read is the system's error */
  async of(path: string): Promise<string> {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const hash = createHash("sha256");
    try {
      await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal: this.#signal });
    } catch (error) {
      throw this.#signal?.aborted === true ? aborted(error) : error;
    }
    const digest = hash.digest("hex");
    this.#known.set(path, digest);
    return digest;
  }
}
