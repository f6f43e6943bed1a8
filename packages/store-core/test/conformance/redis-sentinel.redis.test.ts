import { redisCommand, startSentinel, until } from "@larder/testkit";
import { redisSuite } from "./redis-suite.ts";

const sentinel = await startSentinel();

redisSuite({
  name: "redis (sentinel)",
  place: { connectionString: sentinel.connectionString, redisType: "redis_sentinel", sentinelMaster: sentinel.master },
  gather: "script",
  kill: async () => {
    await Promise.all([sentinel.primary.kill(), sentinel.replica.kill()]);
  },
  async restart() {
    await Promise.all([sentinel.primary.restart(), sentinel.replica.restart()]);
    await until(20_000, "the sentinels name a primary that takes writes", async () => {
      const port = await sentinel.primaryPort();
      return (
        (await redisCommand(port, "SET", "probe", "1")) === "OK" && (await redisCommand(port, "DEL", "probe")) === 1
      );
    });
  },
  stop: () => sentinel.stop(),
});
