import { makeCertificates, redisCommand, startLeakCheck, startRedis, startTcpProxy } from "@larder/testkit";
import { afterAll, expect, test } from "vitest";
import { connectTarget } from "../../src/stores/redis/connect-redis.ts";
import { parseConnectionString } from "../../src/stores/redis/connection-string.ts";
import { documentedRule } from "../stores/redis/documented-rule.ts";
import { runFaults } from "./run-faults.ts";
import { type Admin, APPEND_ALWAYS, adminFaults, deathFaults, roadFaults } from "./single-faults.ts";

const leaks = startLeakCheck();
afterAll(() => leaks.assertNothingLeft());

test("one server that is killed, halted, cut off, half cut off, slow, and told to forget scripts and clients, under load: nothing acknowledged is lost", async () => {
  await using server = await startRedis({ args: APPEND_ALWAYS });
  await using road = await startTcpProxy(server);
  const admin: Admin = (...command) => redisCommand(server.port, ...command);
  const { inDoubt } = await runFaults({
    name: "single, appendfsync always",
    place: `connection_string: "${road.connectionString}"`,
    behind: `connection_string: "${server.connectionString}"`,
    faults: [...deathFaults(server), ...roadFaults(road), ...adminFaults(admin)],
  });
  expect(inDoubt).toBe(0);
});

test("Feast's layout under the same faults: nothing acknowledged is lost", async () => {
  await using server = await startRedis({ args: APPEND_ALWAYS });
  await using road = await startTcpProxy(server);
  const admin: Admin = (...command) => redisCommand(server.port, ...command);
  const [kill] = deathFaults(server);
  await runFaults({
    name: "single, Feast's layout, appendfsync always",
    place: `layout: feast, connection_string: "${road.connectionString}"`,
    behind: `layout: feast, connection_string: "${server.connectionString}"`,
    tenants: ["default"],
    faults: [...(kill === undefined ? [] : [kill]), ...roadFaults(road).slice(0, 3), ...adminFaults(admin)],
  });
});

test("behind TLS and as a user of few rights, a server that is killed, cut off and told to forget: nothing acknowledged is lost", async () => {
  await using certificates = await makeCertificates();
  // Redis 7.0 replays its file as the default user: one without rights would lose what a script wrote. docs/redis.md says so.
  const acl = [
    "user default off ~* &* +@all",
    "user admin on >root ~* &* +@all",
    `user larder on >s3cret ~l:* ${documentedRule()}`,
  ];
  await using server = await startRedis({ tls: certificates, acl, args: APPEND_ALWAYS });
  await using road = await startTcpProxy(server);
  const tls = `ssl=true,ssl_ca_certs=${certificates.ca}`;
  const admin: Admin = async (name = "", ...args) => {
    const connectionString = `${server.connectionString},${tls},username=admin,password=root`;
    const place = { connectionString, redisType: "redis", sentinelMaster: "", folder: "/" } as const;
    const connection = await connectTarget(parseConnectionString(place), { connectMs: 5_000, hangMs: 5_000 });
    await connection.exchange([[name, args]], { deadline: performance.now() + 10_000, signal: undefined });
    await connection.close();
  };
  const [kill] = deathFaults(server);
  await runFaults({
    name: "single, TLS and ACL, appendfsync always",
    place: `connection_string: "${road.connectionString},${tls},username=larder,password=s3cret"`,
    behind: `connection_string: "${server.connectionString},${tls},username=larder,password=s3cret"`,
    faults: [...(kill === undefined ? [] : [kill]), ...roadFaults(road).slice(0, 1), ...adminFaults(admin)],
  });
});
