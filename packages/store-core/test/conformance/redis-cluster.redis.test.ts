import { redisCommand, startRedisCluster, until } from "@larder/testkit";
import { redisSuite } from "./redis-suite.ts";

const cluster = await startRedisCluster();

redisSuite({
  name: "redis (cluster)",
  place: { connectionString: cluster.connectionString, redisType: "redis_cluster" },
  gather: "script",
  kill: async () => {
    await Promise.all(cluster.primaries.map((primary) => primary.kill()));
  },
  async restart() {
    // Each still knows the others: that is kept in its folder.
    await Promise.all(cluster.primaries.map((primary) => primary.restart()));
    for (const { port } of cluster.primaries) {
      await until(20_000, "the cluster is whole again", async () =>
        String(await redisCommand(port, "CLUSTER", "INFO")).includes("cluster_state:ok"),
      );
    }
  },
  stop: () => cluster.stop(),
});
