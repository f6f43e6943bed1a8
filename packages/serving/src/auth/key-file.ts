import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Scope } from "@larder/contract";
import { type Clock, formatTime, isLarderError, LarderError } from "@larder/schema";
import { newKey, parseKeys, type StoredKey } from "./api-key.ts";

/** What a new key is for. */
export interface KeyWish {
  readonly tenants: readonly string[];
  readonly scopes: readonly Scope[];
  /** Microseconds from now; undefined = it does not expire. */
  readonly expiresIn: number | undefined;
}

/** How long a second writer waits for the first, and how often it looks. */
const LOCK_MS = 5_000;
const LOOK_MS = 20;

/** Adds a key to a file, which is made where it is missing. The key itself is in the answer and nowhere else. @throws CONFIG_INVALID, OUTPUT_UNWRITABLE */
export async function createApiKey(
  file: string,
  { tenants, scopes, expiresIn }: KeyWish,
  clock: Clock,
): Promise<{ readonly id: string; readonly key: string }> {
  const { id, key, hash } = newKey();
  const now = clock.now();
  const stored: StoredKey = {
    id,
    hash,
    tenants: [...tenants],
    scopes: [...scopes],
    created: formatTime(now),
    ...(expiresIn === undefined ? {} : { expires: formatTime(now + expiresIn) }),
  };
  await change(file, (keys) => [...keys, stored]);
  return { id, key };
}

/** The keys of a file, in the order of their making; none where there is no file. @throws CONFIG_INVALID, CONFIG_UNREADABLE */
export async function listApiKeys(file: string): Promise<readonly Omit<StoredKey, "hash">[]> {
  const keys = await readKeys(file);
  return keys.map(({ hash: _hash, ...shown }) => shown);
}

/** Removes a key from a file. @throws USAGE where there is none of this id; CONFIG_INVALID, OUTPUT_UNWRITABLE */
export async function revokeApiKey(file: string, id: string): Promise<void> {
  await change(file, (keys) => {
    const left = keys.filter((key) => key.id !== id);
    if (left.length < keys.length) return left;
    throw new LarderError("USAGE", {
      what: `There is no API key "${id.slice(0, 100)}"`,
      remedy: "Look it up with `larder keys list`",
      facts: { file },
    });
  });
}

/**
 * Replaces a file by another in one step. What is to come is written beside it under a name that only one writer can take, so that it is the lock,
 * too: of two writers at once none loses the other's key.
 */
async function change(file: string, edit: (keys: readonly StoredKey[]) => readonly StoredKey[]): Promise<void> {
  const next = `${file}.new`;
  await mkdir(dirname(file), { recursive: true });
  await using handle = await take(next);
  try {
    const text = edit(await readKeys(file)).map((key) => `${JSON.stringify(key)}\n`);
    await handle.writeFile(text.join(""));
    await handle.sync();
    await rename(next, file);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}

async function take(next: string): ReturnType<typeof open> {
  const end = performance.now() + LOCK_MS;
  for (;;) {
    try {
      return await open(next, "wx", 0o600);
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
      if (code === "EEXIST" && performance.now() < end) {
        await delay(LOOK_MS);
        continue;
      }
      throw new LarderError("OUTPUT_UNWRITABLE", {
        what: `${next} cannot be made (${code})`,
        remedy: code === "EEXIST" ? "Remove it, if no other `larder keys` is running" : "Check the folder's rights",
        facts: { file: next },
        cause,
      });
    }
  }
}

async function readKeys(file: string): Promise<readonly StoredKey[]> {
  try {
    return parseKeys(await readFile(file, "utf8"), file);
  } catch (error) {
    if (isLarderError(error)) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    if (code === "ENOENT") return [];
    throw new LarderError("CONFIG_UNREADABLE", {
      what: `The file of API keys ${file} cannot be read (${code})`,
      remedy: "Check its rights",
      facts: { file },
      cause: error,
    });
  }
}
