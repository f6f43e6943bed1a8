import { connectRedis } from "./connect-redis.ts";
import { isFailure, type RedisConnection, type Reply, type ReplyFailure } from "./connection.ts";
import type { RedisPlace } from "./connection-string.ts";
import { adviseOn, SETTINGS, type ServerFacts, type StoreAdvice } from "./server-advice.ts";

const WAIT_MS = 5_000;

/**
 * Looks at the version and settings of Redis, of every primary, that cost memory or lose rows. What the user may not ask for is an advice, too.
 * @param widestRow bytes of the widest row to be kept, as far as it is known
 * @throws what connecting throws
 */
export async function inspectSettings(
  config: RedisPlace & Parameters<typeof connectRedis>[0],
  widestRow: number,
): Promise<readonly StoreAdvice[]> {
  const connection = await connectRedis(config);
  try {
    const primaries = connection.primaries();
    const replicated = config.redisType === "redis_sentinel";
    const found = await Promise.all(
      primaries.map(async (primary) =>
        adviseOn({ ...(await factsOf(primary)), sharded: connection.sharded, replicated, widestRow }),
      ),
    );
    // One line per setting, however many primaries share the fault; the graver one where they differ.
    const grave = found.flat().toSorted((a, b) => a.severity.localeCompare(b.severity));
    return [...Map.groupBy(grave, ({ setting }) => setting).values()].flatMap((same) => same.slice(0, 1));
  } finally {
    await connection.close();
  }
}

async function factsOf(connection: RedisConnection): Promise<Pick<ServerFacts, "info" | "settings">> {
  const wait = { deadline: performance.now() + WAIT_MS, signal: undefined };
  const [info, settings] = await connection.exchange(
    [
      ["INFO", []],
      ["CONFIG", ["GET", ...SETTINGS]],
    ],
    wait,
  );
  return { info: infoOf(allowed(info)), settings: settingsOf(allowed(settings)) };
}

/** Undefined where the user may not ask, or the service has no such command. @throws where the server did not do its work */
function allowed(reply: Reply | ReplyFailure | undefined): Reply | undefined {
  if (!isFailure(reply)) return reply;
  if (reply.error.code === "STORE_UNAVAILABLE" || reply.error.code === "STORE_TIMEOUT") throw reply.error;
  return undefined;
}

function infoOf(reply: Reply | undefined): ReadonlyMap<string, string> | undefined {
  if (!Buffer.isBuffer(reply)) return undefined;
  const lines = reply.toString("latin1").split("\r\n");
  return new Map(lines.filter((line) => line.includes(":")).map((line) => line.split(":", 2) as [string, string]));
}

function settingsOf(reply: Reply | undefined): ReadonlyMap<string, string> | undefined {
  if (!Array.isArray(reply)) return undefined;
  const texts = reply.map(String);
  return new Map(texts.flatMap((text, at) => (at % 2 === 0 ? [[text, texts[at + 1] ?? ""] as const] : [])));
}
