import { scheduler } from "node:timers/promises";
import type { RedisServer } from "@larder/testkit";
import { rawClient } from "../stores/redis/harness.ts";
import { historyClock } from "./world.ts";

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
  const client = await rawClient(primary);
  client.on("error", () => {});
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
  while (reached === 0) await scheduler.wait(5);
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
