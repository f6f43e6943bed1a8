import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { LarderError, type S3Config, type S3Credentials } from "@larder/schema";
import { type ObjectAddress, objectUrl } from "./object-url.ts";
import { withRetries } from "./retries.ts";

/** An object as a listing describes it. */
export interface StoredObject extends ObjectAddress {
  readonly url: string;
  /** Changes whenever the object does. */
  readonly etag: string;
  readonly bytes: number;
}

type Sdk = typeof import("@aws-sdk/client-s3");

/** Objects that one listing goes through: more is no source of one view. */
const MAX_OBJECTS = 100_000;
/** Files above this go up in parts. S3 takes 10,000 of them. */
const PART_BYTES = 16 * 1024 * 1024;

/** The SDK writes to the console otherwise; what matters in its words is in the error. */
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The requests that Larder makes of S3, each tried again within its deadline. Failures are coded by {@link withRetries}. */
export class S3Requests {
  readonly #config: S3Config;
  readonly #sdk: Sdk;
  readonly #client: S3Client;

  private constructor(config: S3Config, sdk: Sdk) {
    this.#config = config;
    this.#sdk = sdk;
    this.#client = new sdk.S3Client({
      forcePathStyle: config.pathStyle,
      // Retries are made here: the SDK's own do not reach into an answer's body.
      maxAttempts: 1,
      // Servers other than AWS's do not all know the checksums that the SDK adds otherwise.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      logger: SILENT,
      ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
      ...(config.region === undefined ? {} : { region: config.region }),
      ...(config.credentials === undefined ? {} : { credentials: given(config.credentials) }),
    });
  }

  /** @throws MISSING_DEPENDENCY when `@aws-sdk/client-s3` is not installed */
  static async open(config: S3Config): Promise<S3Requests> {
    try {
      return new S3Requests(config, await import("@aws-sdk/client-s3"));
    } catch (cause) {
      throw new LarderError("MISSING_DEPENDENCY", {
        what: "s3:// addresses need the package @aws-sdk/client-s3, which is not installed",
        remedy: "Run `npm install @aws-sdk/client-s3@3`",
        facts: { package: "@aws-sdk/client-s3" },
        cause,
      });
    }
  }

  /** Objects whose key starts so, by key. @throws UNSUPPORTED for too many */
  async list({ bucket, key: prefix }: ObjectAddress, signal: AbortSignal | undefined): Promise<StoredObject[]> {
    const url = objectUrl({ bucket, key: prefix });
    const found: StoredObject[] = [];
    let next: string | undefined;
    do {
      const command = new this.#sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: next });
      const page = await this.#try(url, signal, (ends) => this.#client.send(command, { abortSignal: ends }));
      for (const { Key: key, ETag: etag, Size: bytes } of page.Contents ?? []) {
        if (key === undefined || etag === undefined || bytes === undefined) continue;
        found.push({ bucket, key, url: objectUrl({ bucket, key }), etag, bytes });
      }
      if (found.length > MAX_OBJECTS) throw tooMany(url);
      next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (next !== undefined);
    return found;
  }

  /** One object; undefined if there is none. */
  async find(address: ObjectAddress, signal: AbortSignal | undefined): Promise<StoredObject | undefined> {
    const url = objectUrl(address);
    const command = new this.#sdk.HeadObjectCommand({ Bucket: address.bucket, Key: address.key });
    const head = await this.#try(url, signal, async (ends) => {
      try {
        return await this.#client.send(command, { abortSignal: ends });
      } catch (error) {
        // An answer to HEAD has no body, so a bucket that is not there looks the same.
        if (error instanceof Error && error.name === "NotFound") return undefined;
        throw error;
      }
    });
    if (head?.ETag === undefined || head.ContentLength === undefined) return undefined;
    return { ...address, url, etag: head.ETag, bytes: head.ContentLength };
  }

  /** Copies an object into a new file; goes on where a broken answer ended. @throws SOURCE_UNREADABLE (retryable) when it has changed since it was found */
  async download(object: StoredObject, path: string, signal: AbortSignal | undefined): Promise<void> {
    const { bucket, key, url, etag, bytes } = object;
    await using file = await open(path, "ax", 0o600);
    let written = 0;
    await withRetries(url, this.#config, signal, async ({ signal: ends, alive }) => {
      if (bytes === 0 || written >= bytes) return;
      const range = written === 0 ? {} : { Range: `bytes=${written}-` };
      const command = new this.#sdk.GetObjectCommand({ Bucket: bucket, Key: key, IfMatch: etag, ...range });
      const { Body: body, ContentRange: part } = await this.#client.send(command, { abortSignal: ends });
      if (written > 0 && part === undefined) {
        // A server that knows no ranges begins again.
        await file.truncate(0);
        written = 0;
      }
      for await (const chunk of addAbortSignal(ends, body as Readable) as AsyncIterable<Buffer>) {
        alive();
        await file.appendFile(chunk);
        written += chunk.length;
      }
    });
    if (written === bytes) return;
    throw new LarderError("SOURCE_UNREADABLE", {
      what: `${url} has ${written} bytes where its listing says ${bytes}`,
      remedy: "Run again when nothing replaces it",
      facts: { object: url },
      retryable: true,
    });
  }

  /** Copies a file into an object, in parts where it is large; the object appears whole or not at all. */
  async upload(path: string, address: ObjectAddress, signal: AbortSignal | undefined): Promise<void> {
    const { bucket: Bucket, key: Key } = address;
    const url = objectUrl(address);
    const { size } = await stat(path);
    if (size <= PART_BYTES) {
      await this.#try(url, signal, (ends) => {
        const Body = createReadStream(path);
        const command = new this.#sdk.PutObjectCommand({ Bucket, Key, Body, ContentLength: size });
        return this.#client.send(command, { abortSignal: ends });
      });
      return;
    }
    const create = new this.#sdk.CreateMultipartUploadCommand({ Bucket, Key });
    const { UploadId } = await this.#try(url, signal, (ends) => this.#client.send(create, { abortSignal: ends }));
    try {
      const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
      const partBytes = Math.max(PART_BYTES, Math.ceil(size / 10_000));
      for (let from = 0; from < size; from += partBytes) {
        const PartNumber = Parts.length + 1;
        const ContentLength = Math.min(partBytes, size - from);
        const { ETag } = await this.#try(url, signal, (ends) => {
          const Body = createReadStream(path, { start: from, end: from + ContentLength - 1 });
          const part = { Bucket, Key, UploadId, PartNumber, Body, ContentLength };
          return this.#client.send(new this.#sdk.UploadPartCommand(part), { abortSignal: ends });
        });
        Parts.push({ PartNumber, ETag });
      }
      const done = new this.#sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
      await this.#try(url, signal, (ends) => this.#client.send(done, { abortSignal: ends }));
    } catch (error) {
      const abort = new this.#sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId });
      // The failure that led here is the one to tell; a store that cannot be reached keeps the parts until its own rule removes them.
      await this.#try(url, undefined, (ends) => this.#client.send(abort, { abortSignal: ends })).catch(() => undefined);
      throw error;
    }
  }

  /** Removes an object; nothing happens when there is none. */
  async remove(address: ObjectAddress, signal: AbortSignal | undefined): Promise<void> {
    const command = new this.#sdk.DeleteObjectCommand({ Bucket: address.bucket, Key: address.key });
    await this.#try(objectUrl(address), signal, (ends) => this.#client.send(command, { abortSignal: ends }));
  }

  /** Key and region as they are now: those of a session run out. */
  async identity(
    url: string,
    signal: AbortSignal | undefined,
  ): Promise<{ region: string; credentials: S3Credentials }> {
    return this.#try(url, signal, async () => {
      const { accessKeyId, secretAccessKey, sessionToken } = await this.#client.config.credentials();
      return {
        region: await this.#client.config.region(),
        credentials: { accessKeyId, secretAccessKey, sessionToken },
      };
    });
  }

  close(): void {
    this.#client.destroy();
  }

  #try<T>(url: string, signal: AbortSignal | undefined, work: (ends: AbortSignal) => Promise<T>): Promise<T> {
    return withRetries(url, this.#config, signal, (each) => work(each.signal));
  }
}

function given({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function tooMany(url: string): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: `There are more than ${MAX_OBJECTS} objects below ${url}`,
    remedy: "Give source.path fewer, by a longer prefix",
    facts: { object: url },
  });
}
