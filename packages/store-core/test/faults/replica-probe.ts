import { scheduler } from "node:timers/promises";
import { type RedisServer, until } from "@larder/testkit";
import { Redis } from "ioredis";
import { historyClock } from "./world.ts";

const PATIENCE_MS = 20_000;

/** Knows up to when everything that a primary acknowledged has reached its replica. */
export interface ReplicaProbe {
  /** Logical time; what was acknowledged before it is on the replica. */
  readonly reached: number;
  /** Ends it, also when the primary is gone. */
  stop(): Promise<void>;
}

/**
 * Writes a key and waits until a replica has it (WAIT), again and again: replication keeps the order, so the replica then has all that was written
 * before, too. Resolves when it has succeeded once.
 */
export async function startProbe(primary: RedisServer, key: string): Promise<ReplicaProbe> {
  const { host, port } = primary;
  const client = new Redis({ host, port, lazyConnect: true, retryStrategy: () => null });
  client.on("error", () => {});
  await client.connect();
  let reached = 0;
  let stopped = false;
  const probing = (async () => {
    while (!stopped) {
      const at = historyClock.now();
      await client.set(key, at);
      if ((await client.wait(1, 100)) >= 1) reached = at;
      await scheduler.wait(10);
    }
    // A primary that is gone or halted ends the probe.
  })().catch(() => {});
  await until(PATIENCE_MS, "something has reached a replica", async () => reached > 0);
  return {
    get reached() {
      return reached;
    },
    async stop() {
      stopped = true;
      client.disconnect();
      await probing;
    },
  };
}
