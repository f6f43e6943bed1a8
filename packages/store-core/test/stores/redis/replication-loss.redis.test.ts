import { redisCommand, startLeakCheck, startRedis, startTcpProxy, until } from "@larder/testkit";
import { afterAll, expect, test } from "vitest";
import { openStore } from "./harness.ts";
import { startLoad, versions } from "./load.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

const LAG_MS = 300;
/** How much later a busy machine may send what is due. */
const SLACK_MS = 1_000;

test("a dead primary takes with it what it acknowledged within its replica's lag, and nothing older", async () => {
  await using primary = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
  await using road = await startTcpProxy(primary);
  await using replica = await startRedis({ args: ["--replicaof", `127.0.0.1 ${road.port}`] });
  const info = async (port: number) => String(await redisCommand(port, "INFO", "replication"));
  // The primary holds its writes back until the replica has said that it is ready.
  await until(10_000, "the replica follows", async () => (await info(primary.port)).includes("state=online"));
  const store = await openStore(primary);
  const keys = ["a", "b", "c", "d"];
  const load = startLoad(store, [keys]);
  await load.progress(100);
  road.delay(LAG_MS);
  await load.progress(100);
  await new Promise((resolve) => setTimeout(resolve, 2 * LAG_MS));
  const killed = performance.now();
  await primary.kill();
  // What was under way is lost with it, as when a machine dies.
  road.cut();
  await load.stop();
  await until(10_000, "the replica has all that was sent", async () =>
    (await info(replica.port)).includes("master_link_status:down"),
  );
  const survivor = await openStore(replica, { gather: "pipeline" });
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
  // The lag is real, so something is lost; all of it is young.
  expect(lost).toBeGreaterThan(0);
  expect(oldest).toBeLessThan(LAG_MS + SLACK_MS);
  await survivor.close();
  await store.close();
});
