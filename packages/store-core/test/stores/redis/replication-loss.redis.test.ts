import { redisCommand, startLeakCheck, startRedis, startTcpProxy, until } from "@larder/testkit";
import { afterAll, expect, test } from "vitest";
import { openStore } from "./harness.ts";
import { startLoad, versions } from "./load.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

const LAG_MS = 300;

test("a dead primary takes with it what it acknowledged within its replica's lag, and nothing that its replica had", async () => {
  await using primary = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
  await using road = await startTcpProxy(primary);
  await using replica = await startRedis({ args: ["--replicaof", `127.0.0.1 ${road.port}`] });
  const info = async (port: number) => String(await redisCommand(port, "INFO", "replication"));
  // The primary holds its writes back until the replica has said that it is ready.
  await until(10_000, "the replica follows", async () => (await info(primary.port)).includes("state=online"));
  await using opened = new AsyncDisposableStack();
  const store = opened.adopt(await openStore(primary), (each) => each.close());
  const survivor = opened.adopt(await openStore(replica, { gather: "pipeline" }), (each) => each.close());
  const keys = ["a", "b", "c", "d"];
  const load = startLoad(store, [keys]);
  await load.progress(100);
  road.delay(LAG_MS);
  await load.progress(100);
  const before = keys.map((key) => load.acknowledged.get(key) ?? 0);
  await until(10_000, "the replica has what was acknowledged a lag ago", async () => {
    const there = await versions(survivor, keys);
    return there.every((version, at) => version >= (before[at] as number));
  });
  const killed = performance.now();
  await primary.kill();
  // What was under way is lost with it, as when a machine dies.
  road.cut();
  await load.stop();
  await until(10_000, "the replica has all that was sent", async () =>
    (await info(replica.port)).includes("master_link_status:down"),
  );
  const stored = await versions(survivor, keys);
  let lost = 0;
  let oldest = 0;
  let all = 0;
  for (const [at, key] of keys.entries()) {
    for (const [version, acknowledgedAt] of load.history(key)) {
      all++;
      if (version <= (stored[at] as number)) continue;
      lost++;
      oldest = Math.max(oldest, killed - acknowledgedAt);
    }
  }
  console.log(
    `lag ${LAG_MS} ms: ${lost} of ${all} acknowledged rows lost, the oldest acknowledged ${Math.round(oldest)} ms before the end`,
  );
  // The lag is real, so something is lost; what had arrived is not.
  expect(lost).toBeGreaterThan(0);
  for (const [at, version] of stored.entries()) expect(version).toBeGreaterThanOrEqual(before[at] as number);
});
