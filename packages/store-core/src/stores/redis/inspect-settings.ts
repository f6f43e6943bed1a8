import type { OnlineStoreConfig } from "@larder/schema";
import { connectRedis } from "./connect-redis.ts";
import { isFailure, type RedisConnection } from "./connection.ts";

/** A setting of a server that works, and should be another. */
export interface StoreAdvice {
  readonly setting: string;
  /** What is, as a fact without a final stop. */
  readonly what: string;
  readonly remedy: string;
}

/** Rows of more features than about eleven float32 would make a hash a table with less: docs/adr/0002-redis-layout.md. */
const LISTPACK_BYTES = 512;

const WAIT_MS = 5_000;

/**
 * Looks at the settings of Redis, of every primary, that cost memory or lose rows. Where the user may not ask for them, that is the advice.
 * @throws what connecting throws
 */
export async function inspectSettings(
  config: Extract<OnlineStoreConfig, { type: "redis" }>,
): Promise<readonly StoreAdvice[]> {
  const connection = await connectRedis(config);
  try {
    const found = await Promise.all(connection.primaries().map(async (primary) => adviceOf(await settingsOf(primary))));
    // One line per setting, however many primaries share the fault.
    return [...new Map(found.flat().map((advice) => [advice.setting, advice])).values()];
  } finally {
    await connection.close();
  }
}

async function settingsOf(connection: RedisConnection): Promise<ReadonlyMap<string, string> | undefined> {
  const names = ["hash-max-listpack-value", "maxmemory-policy"];
  const wait = { deadline: performance.now() + WAIT_MS, signal: undefined };
  const [reply] = await connection.exchange([["CONFIG", ["GET", ...names]]], wait);
  if (isFailure(reply)) {
    if (reply.error.code === "STORE_UNAVAILABLE" || reply.error.code === "STORE_TIMEOUT") throw reply.error;
    return undefined;
  }
  const texts = (Array.isArray(reply) ? reply : []).map(String);
  return new Map(texts.flatMap((text, at) => (at % 2 === 0 ? [[text, texts[at + 1] ?? ""] as const] : [])));
}

function adviceOf(settings: ReadonlyMap<string, string> | undefined): readonly StoreAdvice[] {
  if (settings === undefined) {
    const remedy = "Let the user run CONFIG GET, or compare hash-max-listpack-value and maxmemory-policy by hand";
    return [{ setting: "CONFIG", what: "The user may not read the server's settings", remedy }];
  }
  const advice: StoreAdvice[] = [];
  const listpack = settings.get("hash-max-listpack-value");
  if (listpack !== undefined && Number(listpack) < LISTPACK_BYTES) {
    advice.push({
      setting: "hash-max-listpack-value",
      what: `hash-max-listpack-value is ${listpack}: rows above that many bytes take several times the memory`,
      remedy: `Set it to ${LISTPACK_BYTES} in redis.conf, before rows are written`,
    });
  }
  const policy = settings.get("maxmemory-policy");
  if (policy !== undefined && policy !== "noeviction" && policy !== "volatile-ttl") {
    advice.push({
      setting: "maxmemory-policy",
      what: `maxmemory-policy is ${policy}: a full server drops rows that are neither expired nor deleted`,
      remedy: "Set it to noeviction, or to volatile-ttl where rows with a TTL may go early",
    });
  }
  return advice;
}
