import { LarderError } from "@larder/schema";
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { AuthenticatorParts } from "./credential.ts";
import { WatchedFile } from "./watched-file.ts";

/** The public keys of who issues tokens. */
export interface KeySets {
  /** The keys as they are known now. @throws AUTH_UNAVAILABLE where they have never been read, or not for {@link MAX_AGE_MS} */
  current(): Promise<JWTVerifyGetKey>;
  /** The keys, read again if they may have changed since: a token names one that is not among them. */
  newer(): Promise<JWTVerifyGetKey>;
  close(): Promise<void>;
}

/** Longest wait for the issuer, and the largest answer that is taken. */
const FETCH_MS = 5_000;
const MAX_BYTES = 256 * 1024;
/** Most keys of an issuer. */
const MAX_KEYS = 100;
/** Keys are asked for again when they are this old, beside the requests; and go on to count for so long while the issuer does not answer. */
const REFRESH_MS = 10 * 60_000;
const MAX_AGE_MS = 60 * 60_000;
/** Shortest time between two questions: whoever sends tokens of unknown keys must not make the server ask on. */
const COOLDOWN_MS = 10_000;

const MICROS = 1000;

/** Keys in a file, read again when it changes. @throws CONFIG_UNREADABLE, CONFIG_INVALID */
export async function openKeySetFile(file: string, { onProblem, pollMs = 1000 }: AuthenticatorParts): Promise<KeySets> {
  const watched = await WatchedFile.open(file, {
    what: "The file of token keys",
    parse: (text) => parseKeySet(text, file),
    onProblem,
    pollMs,
  });
  return {
    current: async () => watched.value,
    newer: async () => watched.value,
    close: () => watched.close(),
  };
}

/** Keys at an address, read when the first token comes, and again as they age or a token names one that is not among them. */
export class KeySetAddress implements KeySets {
  readonly #url: string;
  readonly #parts: AuthenticatorParts;
  readonly #closing = new AbortController();
  #keys: JWTVerifyGetKey | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(url: string, parts: AuthenticatorParts) {
    this.#url = url;
    this.#parts = parts;
  }

  async current(): Promise<JWTVerifyGetKey> {
    const age = this.#now() - this.#readAt;
    if (this.#keys === undefined || age > MAX_AGE_MS) await this.#read();
    else if (age > REFRESH_MS) void this.#read();
    return this.#known();
  }

  async newer(): Promise<JWTVerifyGetKey> {
    await this.#read();
    return this.#known();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#reading;
  }

  #known(): JWTVerifyGetKey {
    if (this.#keys !== undefined && this.#now() - this.#readAt <= MAX_AGE_MS) return this.#keys;
    throw new LarderError("AUTH_UNAVAILABLE", {
      what: "The keys that tokens are judged by could not be read",
      remedy: "See the server's log; API keys are not concerned",
    });
  }

  /** One question at a time, and none within the cooldown. Its failure is told, and leaves the keys as they were. */
  #read(): Promise<void> {
    if (this.#reading !== undefined) return this.#reading;
    const elapsed = this.#now() - this.#askedAt;
    // A clock that was set back must not silence it.
    if (elapsed >= 0 && elapsed < COOLDOWN_MS) return Promise.resolve();
    this.#askedAt = this.#now();
    this.#reading = this.#ask().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #ask(): Promise<void> {
    try {
      const text = await fetchText(
        this.#url,
        AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#parts.fetchMs ?? FETCH_MS)]),
      );
      this.#keys = parseKeySet(text, this.#place);
      this.#readAt = this.#now();
    } catch (cause) {
      if (this.#closing.signal.aborted) return;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const error = new LarderError("AUTH_UNAVAILABLE", {
        what: `The keys at ${this.#place} could not be read: ${reason}`,
        remedy: "Check server.auth.jwt.jwks_url; keys that were read before count for an hour",
        cause,
      });
      this.#parts.onProblem(error);
    }
  }

  /** Without what an address may hide: user, password and query. */
  get #place(): string {
    const { origin, pathname } = new URL(this.#url);
    return `${origin}${pathname}`;
  }

  #now(): number {
    return this.#parts.clock.now() / MICROS;
  }
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal, redirect: "error", headers: { accept: "application/json" } });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`it answered more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** @throws CONFIG_INVALID for what is no JWK set, and for secret keys, which have no place among what an issuer publishes */
function parseKeySet(text: string, place: string): JWTVerifyGetKey {
  const set = parsed(text);
  const keys = typeof set === "object" && set !== null && "keys" in set ? set.keys : undefined;
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS || !keys.every(isPublic)) {
    throw new LarderError("CONFIG_INVALID", {
      what: `${place} is not a JWK set of 1 to ${MAX_KEYS} public keys`,
      remedy: 'Give what the issuer publishes: {"keys": [{"kty": …}]}',
      facts: { place },
    });
  }
  return createLocalJWKSet(set as JSONWebKeySet);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Refused by the caller.
  }
}

function isPublic(key: unknown): boolean {
  return typeof key === "object" && key !== null && "kty" in key && key.kty !== "oct" && !("d" in key);
}
