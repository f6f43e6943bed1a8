import { LarderError, type S3Config } from "@larder/schema";
import type { OfflineEngine } from "../offline/offline-engine.ts";
import { dropSecret, giveSecret, loadHttpfs, refuseOddKeys } from "./httpfs.ts";
import { inTurns } from "./in-turns.ts";
import { readObjectUrl } from "./object-url.ts";
import { S3Requests, type StoredObject } from "./s3-requests.ts";
import { StageCache } from "./stage-cache.ts";

/** Who reads objects, and why it is not the other one where that was a choice of `auto`. */
export interface ObjectReader {
  readonly name: "httpfs" | "stage";
  readonly reason: string | undefined;
}

/** A sentence for whoever started the work. */
export function readerNotice({ name, reason }: ObjectReader): string {
  if (name === "httpfs") return "Objects in S3 were read in place by DuckDB's httpfs.";
  return `Objects in S3 were copied to the cache and read there${reason === undefined ? "" : `, since httpfs does not load (${reason})`}.`;
}

/**
 * Objects in S3, for the length of one piece of work. Nothing is loaded or asked before the first address is met. Listings, ETags and uploads are the
 * SDK's; an engine reads sources by one of two readers, and `reader` says which.
 */
export class ObjectStore implements AsyncDisposable {
  readonly #config: S3Config;
  readonly #cache: StageCache;
  #requests: Promise<S3Requests> | undefined;
  #reader: ObjectReader | undefined;
  /** The session that was told the key. */
  #told: OfflineEngine | undefined;

  constructor(config: S3Config) {
    this.#config = config;
    this.#cache = new StageCache(config);
  }

  /** Who read sources so far; undefined before the first. */
  get reader(): ObjectReader | undefined {
    return this.#reader;
  }

  /** Objects whose address starts with a prefix, by key. @throws SOURCE_NOT_FOUND for the bucket, SOURCE_UNREADABLE, UNSUPPORTED, MISSING_DEPENDENCY, ABORTED */
  async list(prefix: string, signal: AbortSignal | undefined): Promise<StoredObject[]> {
    return (await this.#open()).list(readObjectUrl(prefix), signal);
  }

  /** One object; undefined if there is none. @throws SOURCE_UNREADABLE, MISSING_DEPENDENCY, ABORTED */
  async find(url: string, signal: AbortSignal | undefined): Promise<StoredObject | undefined> {
    const address = readObjectUrl(url);
    return address.key === "" ? undefined : (await this.#open()).find(address, signal);
  }

  /** ETags as they are now; undefined for an object that is gone. */
  async etags(urls: readonly string[], signal: AbortSignal | undefined): Promise<(string | undefined)[]> {
    return inTurns(urls, this.#config.concurrency, async (url) => (await this.find(url, signal))?.etag);
  }

  /**
   * Paths by which an engine's statements read these objects, in their order.
   * @throws MISSING_DEPENDENCY where httpfs is demanded and does not load; SOURCE_*, UNSUPPORTED, OFFLINE_FAILED, ABORTED
   */
  async read(
    engine: OfflineEngine,
    objects: readonly StoredObject[],
    signal: AbortSignal | undefined,
  ): Promise<readonly string[]> {
    const [first] = objects;
    if (first === undefined) return [];
    this.#reader ??= await this.#choose(engine, signal);
    if (this.#reader.name === "stage") return this.#cache.stage(await this.#open(), objects, signal);
    refuseOddKeys(objects);
    const identity = await (await this.#open()).identity(first.url, signal);
    await giveSecret(engine, this.#config, identity, signal);
    this.#told = engine;
    return objects.map(({ url }) => url);
  }

  /** A copy of one object, whoever reads sources. */
  async copy(object: StoredObject, signal: AbortSignal | undefined): Promise<string> {
    const [path] = await this.#cache.stage(await this.#open(), [object], signal);
    return path!;
  }

  /** Puts a file in S3; it appears whole or not at all. */
  async upload(path: string, url: string, signal: AbortSignal | undefined): Promise<void> {
    await (await this.#open()).upload(path, readObjectUrl(url), signal);
  }

  /** Removes an object, if it is there. */
  async remove(url: string): Promise<void> {
    await (await this.#open()).remove(readObjectUrl(url), undefined);
  }

  /** Takes the key from the engine's session and the copies from the run; to be called before the engine is closed. Uploads may follow. */
  async release(): Promise<void> {
    await this.#cache.close();
    const told = this.#told;
    this.#told = undefined;
    if (told !== undefined) await dropSecret(told);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
    (await this.#requests)?.close();
    this.#requests = undefined;
  }

  async #choose(engine: OfflineEngine, signal: AbortSignal | undefined): Promise<ObjectReader> {
    const { reader } = this.#config;
    if (reader === "stage") return { name: "stage", reason: undefined };
    const fault = await loadHttpfs(engine, this.#config, signal);
    if (fault === undefined) return { name: "httpfs", reason: undefined };
    if (reader === "auto") return { name: "stage", reason: fault };
    throw new LarderError("MISSING_DEPENDENCY", {
      what: `DuckDB's httpfs extension does not load: ${fault}`,
      remedy: `Install that of DuckDB ${engine.version} (\`INSTALL httpfs\` in its own shell), name its file in offline_store.s3.httpfs_extension, or use reader: stage`,
      facts: { package: "httpfs" },
    });
  }

  #open(): Promise<S3Requests> {
    if (this.#requests === undefined) {
      this.#requests = S3Requests.open(this.#config);
      // Whoever waits for it is told; there is nothing to close then.
      this.#requests.catch(() => {
        this.#requests = undefined;
      });
    }
    return this.#requests;
  }
}
