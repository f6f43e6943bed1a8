import { LarderError } from "@larder/schema";
import { isFailure, type RedisConnection, type Reply, type ReplyFailure, type Wait } from "../connection.ts";
import { type Allocated, glibcClasses, jemallocClasses, rounding, slotsFor } from "./hash-size.ts";

/** One primary as it is now. Bytes by Redis's own account. */
export interface ServerMemory {
  readonly server: string;
  readonly version: string;
  /** Redis 7 or Valkey 8.0: its sizes are checked by tests. */
  readonly known: boolean;
  readonly usedBytes: number;
  /** Resident over used; undefined for a server too small for the ratio to say anything. */
  readonly fragmentation: number | undefined;
  /** undefined = no limit. */
  readonly maxBytes: number | undefined;
  /** Keys of the database, Larder's or not, and those among them that expire. */
  readonly keys: number;
  readonly expiringKeys: number;
  /** Limits of compact hashes; undefined where the user may not ask for them. */
  readonly listpackValue: number | undefined;
  readonly listpackEntries: number | undefined;
  /** Step of the allocator's small sizes; undefined where it could not be asked for: 8 is taken then. */
  readonly quantum: number | undefined;
  readonly sizes: KeySizes;
}

/** What a server's version and allocator say about the memory of keys. */
export interface KeySizes {
  readonly allocated: Allocated;
  /** The entry of a key in the keyspace. */
  readonly entry: number;
  /** What MEMORY USAGE leaves out of a key and its object, besides its expiry and its share of the table. */
  readonly unseen: number;
  /** The entry of an expiry. */
  readonly expiry: number;
}

/** Below this the process itself, not the data, decides the ratio. */
const TELLING_BYTES = 100 * 2 ** 20;

const SETTINGS = ["hash-max-listpack-value", "hash-max-listpack-entries"];

/** Asks one primary. @throws STORE_MISCONFIGURED where its user may not run INFO */
export async function askServer(primary: RedisConnection, db: number, wait: Wait): Promise<ServerMemory> {
  const [info, settings, malloc] = await primary.exchange(
    [
      ["INFO", []],
      ["CONFIG", ["GET", ...SETTINGS]],
      ["MEMORY", ["MALLOC-STATS"]],
    ],
    wait,
  );
  if (isFailure(info)) throw rightMissing(info, primary.server);
  const facts = pairsOf(textOf(info));
  const number = (name: string) => Number(facts.get(name) ?? 0);
  const config = configOf(settings);
  const quantum = Number(/quantum size:\s*(\d+)/i.exec(textOf(malloc))?.[1] ?? 0) || undefined;
  const keyspace = new Map((facts.get(`db${db}`) ?? "").split(",").map((part) => part.split("=") as [string, string]));
  const usedBytes = number("used_memory");
  const maxBytes = number("maxmemory") || undefined;
  return {
    server: primary.server,
    version: facts.get("valkey_version") ?? facts.get("redis_version") ?? "",
    known:
      (facts.get("valkey_version") ?? "8.0").startsWith("8.0") && facts.get("redis_version")?.startsWith("7.") === true,
    usedBytes,
    fragmentation: usedBytes < TELLING_BYTES ? undefined : number("mem_fragmentation_ratio"),
    maxBytes,
    keys: Number(keyspace.get("keys") ?? 0),
    expiringKeys: Number(keyspace.get("expires") ?? 0),
    listpackValue: config.get("hash-max-listpack-value"),
    listpackEntries: config.get("hash-max-listpack-entries"),
    quantum,
    sizes: keySizes(facts, quantum),
  };
}

/** A right that is missing, named. Other failures are passed on. */
export function rightMissing({ code, text, error }: ReplyFailure, server: string): LarderError {
  if (code !== "NOPERM") return error;
  return new LarderError("STORE_MISCONFIGURED", {
    what: `Redis at ${server} answered: ${text.slice(0, 300)}`,
    remedy:
      "Allow its user to look at memory, with ACL SETUSER: +info +memory|usage +object|encoding +pexpiretime, and better +config|get +memory|malloc-stats, too",
    facts: { server, reply: code },
    cause: error,
  });
}

/** Bytes of the table of so many keys, for each of them. The table doubles when it is full. */
export function tableShare(keys: number): number {
  return keys === 0 ? 0 : (8 * slotsFor(keys)) / keys;
}

/**
 * Redis 7: an entry of 24 bytes, which MEMORY USAGE counts as such whatever the allocator makes of them; 16 more in a cluster before 7.4, where keys
 * are listed by slot (db.c, clusterDictEntryMetadata). Valkey 8 keeps the key inside its entry and asks the allocator for the size.
 */
function keySizes(facts: ReadonlyMap<string, string>, quantum: number | undefined): KeySizes {
  const allocated =
    quantum === undefined && facts.get("mem_allocator") === "libc" ? glibcClasses : jemallocClasses(quantum ?? 8);
  const valkey = facts.has("valkey_version");
  const [major = 0, minor = 0] = (facts.get("redis_version") ?? "").split(".").map(Number);
  const listed = !valkey && facts.get("cluster_enabled") === "1" && (major < 7 || (major === 7 && minor < 4));
  const entry = listed ? 40 : 24;
  const unseen = rounding(16, allocated) + (valkey ? 0 : rounding(entry, allocated));
  return { allocated, entry: allocated(entry), unseen, expiry: allocated(24) };
}

function pairsOf(text: string): ReadonlyMap<string, string> {
  return new Map(text.split("\r\n").map((line) => line.split(":", 2) as [string, string]));
}

function configOf(reply: Reply | ReplyFailure | undefined): ReadonlyMap<string, number> {
  const texts = isFailure(reply) || !Array.isArray(reply) ? [] : reply.map(String);
  return new Map(texts.flatMap((text, at) => (at % 2 === 0 ? [[text, Number(texts[at + 1])] as const] : [])));
}

function textOf(reply: Reply | ReplyFailure | undefined): string {
  return Buffer.isBuffer(reply) ? reply.toString("latin1") : "";
}
