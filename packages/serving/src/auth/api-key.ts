import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { SCOPES } from "@larder/contract";
import { LarderError, parseTime } from "@larder/schema";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

/** One API key as its file keeps it: a line of JSON, without the key. Times are ISO 8601. */
export const StoredKey = Type.Object(
  {
    id: Type.String({ pattern: "^[0-9a-f]{16}$" }),
    /** SHA-256 of the key, in hex. */
    hash: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    tenants: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    scopes: Type.Array(Type.Enum([...SCOPES]), { minItems: 1 }),
    created: Type.String({ minLength: 1 }),
    expires: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);
export type StoredKey = Static<typeof StoredKey>;

/** What an API key looks like: a prefix that secret scanners can find, the id it is looked up by, and 256 random bits. */
const KEY = /^larder_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

const compiled = Compile(StoredKey);

/** Makes a key. It cannot be had again from what is stored. */
export function newKey(): { readonly id: string; readonly key: string; readonly hash: string } {
  const id = randomBytes(8).toString("hex");
  const key = `larder_${id}_${randomBytes(32).toString("base64url")}`;
  return { id, key, hash: hashKey(key).toString("hex") };
}

/** The id inside of what may be a key. */
export function keyId(key: string): string | undefined {
  return KEY.exec(key)?.[1];
}

/**
 * Compares in a time that says nothing about the hash. SHA-256 and no slow hash: there is nothing to guess in 256 random bits, and a slow hash per
 * request would let anybody keep the server busy.
 */
export function isKey(key: string, hash: Buffer): boolean {
  return timingSafeEqual(hashKey(key), hash);
}

/** Reads a file of keys. @throws CONFIG_INVALID naming the line; it shows nothing of it */
export function parseKeys(text: string, file: string): readonly StoredKey[] {
  const keys: StoredKey[] = [];
  const ids = new Set<string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const key = parseLine(line);
    if (key === undefined || ids.has(key.id)) {
      throw new LarderError("CONFIG_INVALID", {
        what: `Line ${index + 1} of ${file} is ${key === undefined ? "no API key" : "a second key of the same id"}`,
        remedy: "Remove the line, or write the file with `larder keys`",
        facts: { file, line: index + 1 },
      });
    }
    ids.add(key.id);
    keys.push(key);
  }
  return keys;
}

function parseLine(line: string): StoredKey | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    if (!compiled.Check(parsed)) return undefined;
    const key = parsed as StoredKey;
    if (key.expires !== undefined) parseTime(key.expires);
    return key;
  } catch {
    return undefined; // Refused by the caller, who knows the line.
  }
}

function hashKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
