import { type Definitions, LarderError } from "@larder/schema";
import type { RedisConnection } from "./stores/redis/connection.ts";

/** Longest wait for a server's answer. */
const ASK_MS = 5_000;

/** Asks how much CPU time the online store has taken. */
export interface StoreMeter extends AsyncDisposable {
  /** Microseconds of all primaries with all their threads, since they were started, whoever asked for what they did. */
  cpu(): Promise<number>;
}

/**
 * Connects to the primaries of a Redis online store to read their own account of CPU time.
 * @throws UNSUPPORTED where the online store is not Redis, or does not tell; STORE_MISCONFIGURED where its user may not ask; STORE_UNAVAILABLE, STORE_TIMEOUT
 */
export async function openStoreMeter({ onlineStore }: Pick<Definitions, "onlineStore">): Promise<StoreMeter> {
  if (onlineStore.type !== "redis") {
    throw new LarderError("UNSUPPORTED", {
      what: `The online store is ${onlineStore.type}, not Redis`,
      remedy: "Set online_store.type to redis to have its CPU time measured",
      facts: { field: "online_store.type" },
    });
  }
  const { connectRedis } = await import("./stores/redis/connect-redis.ts");
  const connection = await connectRedis(onlineStore);
  return {
    cpu: async () => {
      const each = await Promise.all(connection.primaries().map(cpuOf));
      return each.reduce((sum, micros) => sum + micros, 0);
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

async function cpuOf(primary: RedisConnection): Promise<number> {
  const { isFailure } = await import("./stores/redis/connection.ts");
  const { rightMissing } = await import("./stores/redis/explain/server-memory.ts");
  const wait = { deadline: performance.now() + ASK_MS, signal: undefined };
  const [info] = await primary.exchange([["INFO", ["cpu"]]], wait);
  if (isFailure(info)) throw rightMissing(info, primary.server);
  const text = Buffer.isBuffer(info) ? info.toString("latin1") : "";
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(text)?.[1]);
  const used = seconds("used_cpu_sys") + seconds("used_cpu_user");
  if (Number.isFinite(used)) return 1e6 * used;
  throw new LarderError("UNSUPPORTED", {
    what: `${primary.server} does not tell its CPU time in INFO cpu`,
    remedy: "Measure on a Redis or Valkey that does",
    facts: { server: primary.server },
  });
}
