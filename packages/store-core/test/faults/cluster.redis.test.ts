import {
  type RedisServer,
  redisCommand,
  startLeakCheck,
  startRedisCluster,
  startTcpProxy,
  until,
} from "@larder/testkit";
import { afterAll, expect, test } from "vitest";
import { keySlot } from "../../src/stores/redis/key-slot.ts";
import { openStore } from "../stores/redis/harness.ts";
import { startLoad, versions } from "../stores/redis/load.ts";
import { type ReplicaProbe, startProbe } from "./replica-probe.ts";
import { type Fault, runFaults } from "./run-faults.ts";
import { adminFaults, roadFaults } from "./single-faults.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

const PATIENCE_MS = 30_000;

function shardOf(entityKey: string): number {
  return Math.floor((keySlot(entityKey) * 3) / 16_384);
}

test("in a cluster primaries are killed, halted and cut off: replicas take over, only what had not reached them is lost, the shard beside them never stops", async () => {
  await using cluster = await startRedisCluster({ replicas: 1, args: ["--cluster-require-full-coverage", "no"] });
  // Clients and the replica find the first primary by a road; what the nodes tell each other goes beside it, so nobody takes over when it breaks.
  const [first, , last] = cluster.primaries as readonly RedisServer[];
  await using road = await startTcpProxy(first as RedisServer);
  await redisCommand((first as RedisServer).port, "CONFIG", "SET", "cluster-announce-port", road.port);
  for (const { port } of [...cluster.primaries, ...cluster.replicas]) {
    await until(PATIENCE_MS, "every node knows the road", async () =>
      JSON.stringify(await redisCommand(port, "CLUSTER", "SLOTS")).includes(`${road.port}`),
    );
  }
  /** Of the second shard; each takeover swaps them. */
  let [primary, replica] = [cluster.primaries[1] as RedisServer, cluster.replicas[1] as RedisServer];
  const takeover = (name: string, end: NodeJS.Signals, back: (node: RedisServer) => Promise<void>): Fault => {
    let probe: ReplicaProbe | undefined;
    return {
      name,
      fails: true,
      takeover: {
        reached: () => probe?.reached ?? 0,
        done: () =>
          until(PATIENCE_MS, "the replica is primary", async () =>
            String(await redisCommand(replica.port, "INFO", "replication")).includes("role:master"),
          ),
        concerns: (owner) => shardOf(owner.slice(owner.lastIndexOf("/") + 1)) === 1,
      },
      async inject() {
        let key = 0;
        while (shardOf(`${key}`) !== 1) key++;
        probe = await startProbe(primary, `{${key}}probe`);
        await primary.kill(end);
        await probe.stop();
      },
      async heal() {
        await back(primary);
        await until(PATIENCE_MS, "the old primary follows", async () =>
          String(await redisCommand(primary.port, "INFO", "replication")).includes("master_link_status:up"),
        );
        [primary, replica] = [replica, primary];
      },
    };
  };
  const admin = (...command: readonly string[]) =>
    Promise.all([...cluster.primaries, ...cluster.replicas].map(({ port }) => redisCommand(port, ...command)));
  // Patient: here an error would be the cluster's, never a slow machine's.
  const patient = await openStore(
    { connectionString: (last as RedisServer).connectionString },
    { redisType: "redis_cluster" },
  );
  const living = Array.from({ length: 60 }, (_, i) => `k${i}`).filter((key) => shardOf(key) === 2);
  const others = startLoad(patient, [living]);
  // CLIENT KILL would be seen by the shard that never stops.
  const [flush] = adminFaults(admin);
  await runFaults({
    name: "Cluster",
    place: `redis_type: redis_cluster, connection_string: "${cluster.connectionString}"`,
    faults: [
      ...(flush === undefined ? [] : [flush]),
      ...roadFaults(road).slice(0, 2),
      takeover("kill -9", "SIGKILL", (node) => node.restart()),
      takeover("SIGSTOP", "SIGSTOP", (node) => node.kill("SIGCONT")),
    ],
  });
  await others.stop();
  expect(others.failures).toEqual({ writes: 0, reads: 0 });
  expect(others.staleReads).toEqual([]);
  expect(await versions(patient, living)).toEqual(living.map((key) => others.acknowledged.get(key)));
  await patient.close();
});
