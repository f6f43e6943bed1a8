import { type RedisServer, redisCommand, startLeakCheck, startSentinel, until } from "@larder/testkit";
import { afterAll, expect, test } from "vitest";
import { type ReplicaProbe, startProbe } from "./replica-probe.ts";
import { type Fault, runFaults } from "./run-faults.ts";
import { adminFaults } from "./single-faults.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

const PATIENCE_MS = 30_000;

test("behind Sentinel a primary that is killed, halted, cut off from all: a replica takes over, and only what had not reached it is lost", async () => {
  await using sentinel = await startSentinel({ roads: true });
  const servers = [sentinel.primary, sentinel.replica];
  const current = async () => {
    const port = await sentinel.primaryPort();
    return sentinel.roads.findIndex((road) => road.port === port);
  };
  const takeover = async (
    name: string,
    end: (at: number) => Promise<unknown>,
    back: (at: number) => Promise<unknown>,
  ) => {
    let at = 0;
    let probe: ReplicaProbe | undefined;
    const fault: Fault = {
      name,
      fails: true,
      takeover: {
        reached: () => probe?.reached ?? 0,
        done: () =>
          until(PATIENCE_MS, "the replica is primary", async () => {
            const now = await current();
            const role = await redisCommand((servers[now] as RedisServer).port, "ROLE");
            return now !== at && Array.isArray(role) && role[0] === "master";
          }),
        concerns: () => true,
      },
      async inject() {
        // The sentinel that is asked may be the last to hear of the takeover before.
        await until(PATIENCE_MS, "the primary has its replica", async () => {
          at = await current();
          const info = String(await redisCommand((servers[at] as RedisServer).port, "INFO", "replication"));
          return info.includes("role:master") && info.includes("state=online");
        });
        probe = await startProbe(servers[at] as RedisServer, "probe");
        await end(at);
        await probe.stop();
      },
      async heal() {
        await back(at);
        // Sentinel would do it too, some ten seconds later.
        const [old, other] = [servers[at] as RedisServer, sentinel.roads[1 - at]];
        await redisCommand(old.port, "REPLICAOF", "127.0.0.1", other?.port ?? 0);
        await until(PATIENCE_MS, "the old primary follows", async () =>
          String(await redisCommand(old.port, "INFO", "replication")).includes("master_link_status:up"),
        );
        await until(PATIENCE_MS, "the sentinel sees both", async () => {
          const replicas = await redisCommand(
            sentinel.sentinels[0]?.port ?? 0,
            "SENTINEL",
            "REPLICAS",
            sentinel.master,
          );
          const facts = Array.isArray(replicas) && Array.isArray(replicas[0]) ? replicas[0].map(String) : [];
          return facts[facts.indexOf("flags") + 1] === "slave";
        });
      },
    };
    return fault;
  };
  const admin = async (...command: readonly string[]) =>
    redisCommand((servers[await current()] as RedisServer).port, ...command);
  await runFaults({
    name: "Sentinel",
    place: `redis_type: redis_sentinel, sentinel_master: ${sentinel.master}, connection_string: "${sentinel.connectionString}"`,
    faults: [
      await takeover(
        "kill -9",
        (at) => (servers[at] as RedisServer).kill(),
        (at) => (servers[at] as RedisServer).restart(),
      ),
      await takeover(
        "SIGSTOP",
        (at) => (servers[at] as RedisServer).kill("SIGSTOP"),
        (at) => (servers[at] as RedisServer).kill("SIGCONT"),
      ),
      await takeover(
        "cut off",
        async (at) => sentinel.roads[at]?.cut(),
        async (at) => sentinel.roads[at]?.resume(),
      ),
      ...adminFaults(admin),
    ],
  });
  expect(await current()).toBe(1);
});
