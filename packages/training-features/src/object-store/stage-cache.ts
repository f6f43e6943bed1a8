import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { extname, join } from "node:path";
import { LarderError, type S3Config } from "@larder/schema";
import { inTurns } from "./in-turns.ts";
import type { S3Requests, StoredObject } from "./s3-requests.ts";

const LEFT_OVER_MS = 7 * 86_400_000;

/**
 * Copies of objects on disk, kept from run to run by bucket, key and ETag. A run reads hard links of its own, so that another run which makes room
 * takes nothing from it.
 */
export class StageCache {
  readonly #config: S3Config;
  #run: string | undefined;
  #opened = 0;

  constructor(config: S3Config) {
    this.#config = config;
  }

  /** Paths of copies, in the order of the objects and of their names. @throws UNSUPPORTED for more bytes than the cache may hold, SOURCE_*, ABORTED */
  async stage(
    requests: S3Requests,
    objects: readonly StoredObject[],
    signal: AbortSignal | undefined,
  ): Promise<string[]> {
    this.#refuseTooLarge(objects);
    const run = await this.#open();
    const folder = join(run, String(this.#opened++));
    await mkdir(folder);
    await this.#makeRoom(objects);
    return inTurns(objects, this.#config.concurrency, async (object, index) => {
      const path = join(folder, `${String(index).padStart(6, "0")}${extname(object.key)}`);
      for (;;) {
        const kept = await this.#keep(requests, object, signal);
        if (await linked(kept, path)) return path; // else another run has made room meanwhile
      }
    });
  }

  /** Removes the run's links; the copies stay. */
  async close(): Promise<void> {
    if (this.#run !== undefined) await rm(this.#run, { recursive: true, force: true });
    this.#run = undefined;
  }

  async #keep(requests: S3Requests, object: StoredObject, signal: AbortSignal | undefined): Promise<string> {
    const path = join(this.#kept, this.#nameOf(object));
    const found = await stat(path).catch(() => undefined);
    if (found?.size === object.bytes) {
      const now = performance.timeOrigin / 1000 + performance.now() / 1000;
      await utimes(path, now, now).catch(() => undefined); // gone meanwhile: the link says so
      return path;
    }
    const part = join(this.#kept, `.${randomBytes(8).toString("hex")}.part`);
    try {
      await requests.download(object, part, signal);
      await rename(part, path);
      return path;
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  get #kept(): string {
    return join(this.#config.cachePath, "objects");
  }

  #nameOf({ bucket, key, etag, bytes }: StoredObject): string {
    const identity = JSON.stringify([this.#config.endpoint ?? "aws", bucket, key, etag, bytes]);
    return createHash("sha256").update(identity).digest("hex");
  }

  async #open(): Promise<string> {
    if (this.#run !== undefined) return this.#run;
    const runs = join(this.#config.cachePath, "runs");
    try {
      for (const folder of [this.#kept, runs]) await mkdir(folder, { recursive: true, mode: 0o700 });
      this.#run = await mkdtemp(join(runs, "run-"));
    } catch (cause) {
      throw new LarderError("OFFLINE_FAILED", {
        what: `The cache ${this.#config.cachePath} cannot be written (${cause instanceof Error ? cause.message : String(cause)})`,
        remedy: "Name a folder that can be written in offline_store.s3.cache_path",
        facts: { folder: this.#config.cachePath },
        cause,
      });
    }
    await sweep(runs, /^run-/);
    await sweep(this.#kept, /\.part$/);
    return this.#run;
  }

  #refuseTooLarge(objects: readonly StoredObject[]): void {
    const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
    if (bytes <= this.#config.cacheMaxBytes) return;
    throw new LarderError("UNSUPPORTED", {
      what: `${objects.length} objects have ${bytes} bytes, and offline_store.s3.cache_max_bytes is ${this.#config.cacheMaxBytes}`,
      remedy: "Raise it, or read in place with reader: httpfs",
      facts: { objects: objects.length, bytes, cache_max_bytes: this.#config.cacheMaxBytes },
    });
  }

  /** Removes the longest unused copies until the missing ones fit. */
  async #makeRoom(objects: readonly StoredObject[]): Promise<void> {
    const wanted = new Map(objects.map((object) => [this.#nameOf(object), object.bytes]));
    const others: { path: string; bytes: number; used: number }[] = [];
    let held = [...wanted.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const name of await readdir(this.#kept)) {
      if (wanted.has(name) || name.startsWith(".")) continue;
      const path = join(this.#kept, name);
      const info = await stat(path).catch(() => undefined);
      if (info === undefined) continue;
      others.push({ path, bytes: info.size, used: info.mtimeMs });
      held += info.size;
    }
    others.sort((a, b) => a.used - b.used);
    for (const { path, bytes } of others) {
      if (held <= this.#config.cacheMaxBytes) return;
      await rm(path, { force: true });
      held -= bytes;
    }
  }
}

/** Links a copy; false when it is gone. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/** What killed runs left, once no run can be at work on it any more. */
async function sweep(folder: string, pattern: RegExp): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!pattern.test(name)) continue;
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    const age = performance.timeOrigin + performance.now() - (info?.mtimeMs ?? Number.POSITIVE_INFINITY);
    if (age > LEFT_OVER_MS) await rm(path, { recursive: true, force: true });
  }
}
