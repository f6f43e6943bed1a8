import type { OnlineStoreConfig } from "@larder/schema";
import { connectCluster } from "./cluster-connection.ts";
import { type RedisConnection, ServerConnection } from "./connection.ts";
import { parseConnectionString, type RedisPlace } from "./connection-string.ts";
import type { RedisTarget } from "./redis-target.ts";
import { sentinelLocator } from "./sentinel-locator.ts";
import { type ConnectionTimes, fixedServer } from "./server-plan.ts";
import { readTlsOptions } from "./tls-options.ts";

const CONNECT_MS = 5_000;

/**
 * Connects to what a configuration names, whatever its topology, and logs in. A server that owes answers for longer than any deadline is given up.
 * @throws CONFIG_INVALID, STORE_UNAVAILABLE, STORE_MISCONFIGURED
 */
export function connectRedis(
  config: RedisPlace & Pick<Extract<OnlineStoreConfig, { type: "redis" }>, "readDeadlineMs" | "writeDeadlineMs">,
): Promise<RedisConnection> {
  const hangMs = Math.max(CONNECT_MS, 2 * config.readDeadlineMs, 2 * config.writeDeadlineMs);
  return connectTarget(parseConnectionString(config), { connectMs: CONNECT_MS, hangMs });
}

/** Connects to a target. @throws CONFIG_INVALID, STORE_UNAVAILABLE, STORE_MISCONFIGURED */
export async function connectTarget(target: RedisTarget, times: ConnectionTimes): Promise<RedisConnection> {
  const { login } = target;
  const tls = login.tls === undefined ? undefined : await readTlsOptions(login.tls);
  if (target.kind === "cluster") return connectCluster(target.seeds, { login, tls, times });
  const connection = new ServerConnection(
    target.kind === "single"
      ? fixedServer(target.endpoint, { login, tls, times })
      : {
          name: `the primary "${target.master}"`,
          locate: sentinelLocator({
            sentinels: target.sentinels,
            master: target.master,
            login: target.sentinelLogin,
            tls: target.sentinelLogin.tls === undefined ? undefined : await readTlsOptions(target.sentinelLogin.tls),
          }),
          login,
          tls,
          primaryOnly: true,
          times,
        },
  );
  await connection.open();
  return connection;
}
