import type { ConnectionOptions } from "node:tls";
import { LarderError } from "@larder/schema";
import { storeClosed } from "../../call.ts";
import { isFailure, ServerConnection } from "./connection.ts";
import { redisError, wrongTopology } from "./redis-errors.ts";
import { endpointText, type RedisEndpoint, type RedisLogin } from "./redis-target.ts";
import { type ConnectionTimes, fixedServer } from "./server-plan.ts";

/** Sentinels that watch a primary, and how to ask them. */
export interface SentinelPlan {
  readonly sentinels: readonly RedisEndpoint[];
  readonly master: string;
  readonly login: RedisLogin;
  readonly tls: ConnectionOptions | undefined;
}

/**
 * Asks one Sentinel after the other where the primary is, over a connection of its own each time: it happens only when a connection is made.
 * The one that knew it last is asked first.
 */
export function sentinelLocator(plan: SentinelPlan): (signal: AbortSignal) => Promise<RedisEndpoint> {
  let order = plan.sentinels;
  return async (signal) => {
    const failures: unknown[] = [];
    for (const sentinel of order) {
      if (signal.aborted) throw storeClosed();
      try {
        const found = await ask(sentinel, plan, signal);
        if (found !== undefined) {
          order = [sentinel, ...order.filter((each) => each !== sentinel)];
          return found;
        }
        failures.push(undefined);
      } catch (error) {
        failures.push(error);
      }
    }
    throw noPrimary(plan, failures);
  };
}

/** A Sentinel answers at once or is passed over for the next one. */
const TIMES: ConnectionTimes = { connectMs: 1_000, hangMs: 1_000 };

/** Where a Sentinel says the primary is; undefined when it does not know the name. */
async function ask(
  sentinel: RedisEndpoint,
  { master, login, tls }: SentinelPlan,
  signal: AbortSignal,
): Promise<RedisEndpoint | undefined> {
  const connection = new ServerConnection(fixedServer(sentinel, { login, tls, times: TIMES }));
  const close = () => void connection.close();
  signal.addEventListener("abort", close);
  try {
    await connection.open();
    const wait = { deadline: performance.now() + TIMES.connectMs, signal };
    const [reply] = await connection.exchange([["SENTINEL", ["GET-MASTER-ADDR-BY-NAME", master]]], wait);
    if (isFailure(reply)) {
      // To a server that is no Sentinel the command is unknown; that is a general error, without a code of its own.
      if (reply.code === "ERR") throw wrongTopology(connection.server, "no Sentinel", "redis");
      throw reply.error;
    }
    if (!Array.isArray(reply)) return undefined;
    return { host: String(reply[0]), port: Number(reply[1]) };
  } finally {
    signal.removeEventListener("abort", close);
    await connection.close();
  }
}

function noPrimary({ sentinels, master }: SentinelPlan, failures: readonly unknown[]): LarderError {
  const names = sentinels.map(endpointText).join(", ");
  if (failures.includes(undefined)) {
    return new LarderError("STORE_MISCONFIGURED", {
      what: `The Sentinels at ${names} know no primary named "${master}"`,
      remedy: "Set online_store.sentinel_master to the name in their `sentinel monitor` line",
      facts: { field: "online_store.sentinel_master", master },
    });
  }
  return redisError(failures.at(-1), names);
}
