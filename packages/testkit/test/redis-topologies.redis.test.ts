import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import {
  makeCertificates,
  type RedisServer,
  redisCommand,
  startRedis,
  startRedisCluster,
  startSentinel,
  until,
} from "../src/index.ts";

test("a server with TLS shows a certificate of the private CA and answers nobody in plain text", async () => {
  await using certificates = await makeCertificates();
  await using redis = await startRedis({ tls: certificates });
  const ca = await readFile(certificates.ca);
  const answer = await new Promise((resolve, reject) => {
    const socket = connectTls({ port: redis.port, host: redis.host, ca }, () => socket.write("PING\r\n"));
    socket.once("error", reject).once("data", (bytes) => {
      resolve(String(bytes));
      socket.destroy();
    });
  });
  expect(answer).toBe("+PONG\r\n");
  await expect(redisCommand(redis.port, "PING")).rejects.toThrow();
});

test("an ACL file decides who may do what, and the unix socket is another door", async () => {
  await using redis = await startRedis({ acl: ["user default on nopass ~only:* +@read +ping"] });
  expect(await redisCommand(redis.port, "GET", "only:1")).toBe(null);
  await expect(redisCommand(redis.port, "GET", "other")).rejects.toThrow("NOPERM");
  const answer = await new Promise((resolve, reject) => {
    const socket = connect(redis.unixSocket, () => socket.write("PING\r\n"));
    socket.once("error", reject).once("data", (bytes) => {
      resolve(String(bytes));
      socket.destroy();
    });
  });
  expect(answer).toBe("+PONG\r\n");
});

test("sentinels make the replica primary when the primary dies", async () => {
  await using sentinel = await startSentinel();
  await redisCommand(sentinel.primary.port, "SET", "k", "v");
  await until(
    5_000,
    "the write is replicated",
    async () => (await redisCommand(sentinel.replica.port, "GET", "k")) === "v",
  );
  expect(await sentinel.primaryPort()).toBe(sentinel.primary.port);
  await sentinel.primary.kill();
  await until(20_000, "the replica is primary", async () => (await sentinel.primaryPort()) === sentinel.replica.port);
  await until(
    5_000,
    "it takes writes",
    async () => (await redisCommand(sentinel.replica.port, "SET", "k", "w")) === "OK",
  );
});

test("a cluster has three primaries with a replica each, moves slots and survives a primary", async () => {
  await using cluster = await startRedisCluster({ replicas: 1 });
  const [a, b] = cluster.primaries as readonly [RedisServer, RedisServer, RedisServer];
  // CLUSTER KEYSLOT of "a" is 15495, the third primary's; of "b" 3300, the first one's.
  await expect(redisCommand(a.port, "SET", "a", "1")).rejects.toThrow("MOVED 15495");
  expect(await redisCommand(a.port, "SET", "b", "1")).toBe("OK");
  await cluster.startMove(3300, 0, 1);
  expect(await cluster.moveKeys(3300, 0, 1, 10)).toBe(1);
  await expect(redisCommand(a.port, "GET", "b")).rejects.toThrow("ASK 3300");
  await cluster.endMove(3300, 0, 1);
  expect(await redisCommand(b.port, "GET", "b")).toBe("1");
  await cluster.primaries[2]?.kill();
  const replica = cluster.replicas[2]?.port ?? 0;
  await until(20_000, "the replica takes writes", async () => (await redisCommand(replica, "SET", "a", "1")) === "OK");
});
