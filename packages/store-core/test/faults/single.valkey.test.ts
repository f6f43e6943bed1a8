import { redisCommand, startLeakCheck, startRedis, startTcpProxy } from "@larder/testkit";
import { afterAll, expect, test } from "vitest";
import { runFaults } from "./run-faults.ts";
import { APPEND_ALWAYS, adminFaults, deathFaults, roadFaults } from "./single-faults.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

test("Valkey that is killed, half cut off and told to forget, under load: nothing acknowledged is lost", async () => {
  await using server = await startRedis({ program: "valkey", args: APPEND_ALWAYS });
  await using road = await startTcpProxy(server);
  const { inDoubt } = await runFaults({
    name: "Valkey, appendfsync always",
    place: `connection_string: "${road.connectionString}"`,
    behind: `connection_string: "${server.connectionString}"`,
    faults: [
      ...deathFaults(server).slice(0, 1),
      ...roadFaults(road).slice(2, 3),
      ...adminFaults((...command) => redisCommand(server.port, ...command)),
    ],
  });
  expect(inDoubt).toBe(0);
});
