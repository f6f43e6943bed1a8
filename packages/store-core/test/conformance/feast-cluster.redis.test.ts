import { redisCommand, seededRandom, startRedisCluster, testRuns, testSeed, until } from "@larder/testkit";
import { Cluster } from "ioredis";
import { afterAll, describe, test } from "vitest";
import { conformance, histories } from "../../conformance/index.ts";
import { feastHarness } from "./feast-harness.ts";

const cluster = await startRedisCluster();
const [first] = cluster.primaries;
const harness = feastHarness(
  {
    name: "a cluster of three",
    connectionString: cluster.connectionString,
    redisType: "redis_cluster",
    connect: () => new Cluster([{ host: first?.host ?? "", port: first?.port ?? 0 }], { lazyConnect: true }),
    empty: () => Promise.all(cluster.primaries.map(({ port }) => redisCommand(port, "FLUSHALL"))),
    kill: () => Promise.all(cluster.primaries.map((primary) => primary.kill())),
    async restart() {
      await Promise.all(cluster.primaries.map((primary) => primary.restart()));
      for (const { port } of cluster.primaries) {
        await until(20_000, "the cluster is whole again", async () =>
          String(await redisCommand(port, "CLUSTER", "INFO")).includes("cluster_state:ok"),
        );
      }
    },
    stop: () => cluster.stop(),
  },
  "script",
  3,
);
afterAll(() => harness[Symbol.asyncDispose]());

describe(harness.name, () => {
  conformance({ it: test, harness });
  histories({ it: test, harness, seed: testSeed(), runs: testRuns(2), randomOf: seededRandom });
});
