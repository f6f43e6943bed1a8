import { parseTime } from "@larder/schema";
import { isKey, keyId, parseKeys } from "./api-key.ts";
import type { AuthenticatorParts, Credential } from "./credential.ts";
import { WatchedFile } from "./watched-file.ts";

const POLL_MS = 1000;

interface KnownKey {
  readonly hash: Buffer;
  /** Microseconds; a key does not count from then on. */
  readonly expires: number;
  readonly credential: Credential;
}

/** The API keys of a file. */
export class KeyRing {
  readonly #file: WatchedFile<ReadonlyMap<string, KnownKey>>;
  readonly #clock: AuthenticatorParts["clock"];

  /** @throws CONFIG_UNREADABLE, CONFIG_INVALID */
  static async open(file: string, parts: AuthenticatorParts): Promise<KeyRing> {
    const watched = await WatchedFile.open(file, {
      what: "The file of API keys",
      parse: (text) => known(text, file),
      onProblem: parts.onProblem,
      pollMs: parts.pollMs ?? POLL_MS,
    });
    return new KeyRing(watched, parts.clock);
  }

  private constructor(file: WatchedFile<ReadonlyMap<string, KnownKey>>, clock: AuthenticatorParts["clock"]) {
    this.#file = file;
    this.#clock = clock;
  }

  /** Whose key it is; undefined where nobody's, and once it has expired. */
  find(key: string): Credential | undefined {
    const known = this.#file.value.get(keyId(key) ?? "");
    if (known === undefined || !isKey(key, known.hash)) return undefined;
    return this.#clock.now() < known.expires ? known.credential : undefined;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function known(text: string, file: string): ReadonlyMap<string, KnownKey> {
  return new Map(
    parseKeys(text, file).map(({ id, hash, tenants, scopes, expires }) => [
      id,
      {
        hash: Buffer.from(hash, "hex"),
        expires: expires === undefined ? Number.POSITIVE_INFINITY : parseTime(expires, "expires"),
        credential: { id, tenants, scopes: new Set(scopes) },
      },
    ]),
  );
}
