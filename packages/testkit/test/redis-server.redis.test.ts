import { existsSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { freePort, type RedisServer, startProcess, startRedis, utf8Locale } from "../src/index.ts";

/** Sends one inline command and returns the bytes of its answer, a line or a bulk string. */
function ask(server: Pick<RedisServer, "host" | "port">, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, server.host, () => socket.write(`${command}\r\n`));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed without an answer")));
    socket.once("data", (bytes: Buffer) => {
      resolve(bytes.toString("utf8"));
      socket.destroy();
    });
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("a started server answers, keeps wide packed rows in listpacks and persists nothing", async () => {
  await using redis = await startRedis();
  expect(redis.connectionString).toBe(`127.0.0.1:${redis.port}`);
  expect(await ask(redis, "SET greeting hello")).toBe("+OK\r\n");
  expect(await ask(redis, "CONFIG GET hash-max-listpack-value")).toContain("512");
  expect(await ask(redis, "CONFIG GET save")).toMatch(/\$0\r\n\r\n$/);
  expect(await ask(redis, "INFO server")).toContain(`process_id:${redis.pid}\r\n`);
});

test("several servers at once are strangers to each other", async () => {
  const servers = await Promise.all([startRedis(), startRedis(), startRedis()]);
  try {
    expect(new Set(servers.map((server) => server.port)).size).toBe(3);
    await Promise.all(servers.map((server, i) => ask(server, `SET who ${i}`)));
    const answers = await Promise.all(servers.map((server) => ask(server, "GET who")));
    expect(answers).toEqual(["$1\r\n0\r\n", "$1\r\n1\r\n", "$1\r\n2\r\n"]);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});

test("a stopped server is gone with its folder", async () => {
  const redis = await startRedis();
  const folder = (await ask(redis, "CONFIG GET dir")).split("\r\n").at(-2) ?? "";
  expect(existsSync(folder)).toBe(true);
  await redis.stop();
  expect(isAlive(redis.pid)).toBe(false);
  expect(existsSync(folder)).toBe(false);
  await redis.stop();
});

test("a killed server comes back empty on its port, as another process", async () => {
  await using redis = await startRedis();
  const { pid, port } = redis;
  await ask(redis, "SET kept no");
  await redis.kill();
  expect(isAlive(pid)).toBe(false);
  await expect(ask(redis, "PING")).rejects.toThrow(/ECONNREFUSED/);
  await redis.restart();
  expect(redis.port).toBe(port);
  expect(redis.pid).not.toBe(pid);
  expect(await ask(redis, "GET kept")).toBe("$-1\r\n");
});

test("a halted server takes connections and answers only once it goes on", async () => {
  await using redis = await startRedis();
  await redis.kill("SIGSTOP");
  let answered = false;
  const answer = ask(redis, "PING").then((text) => {
    answered = true;
    return text;
  });
  // A whole connection to another server, there and back, during which the halted one stays silent.
  await using other = await startRedis();
  expect(await ask(other, "PING")).toBe("+PONG\r\n");
  expect(answered).toBe(false);
  await redis.kill("SIGCONT");
  expect(await answer).toBe("+PONG\r\n");
});

test("arguments and a password reach the server", async () => {
  await using redis = await startRedis({ args: ["--requirepass", "secret", "--maxmemory", "8mb"] });
  expect(await ask(redis, "PING")).toContain("-NOAUTH");
  expect(await ask(redis, "AUTH secret")).toBe("+OK\r\n");
});

test("a server that refuses to start tells why", async () => {
  await expect(startRedis({ args: ["--no-such-setting", "1"] })).rejects.toThrow(/no-such-setting/);
});

test("a taken port is an error when it was asked for", async () => {
  await using redis = await startRedis();
  await expect(startRedis({ port: redis.port })).rejects.toThrow(/Address already in use/);
  const port = await freePort();
  await using second = await startRedis({ port });
  expect(second.port).toBe(port);
});

test("under en_US.UTF-8 the server's Lua compares text by the locale, not by bytes", async () => {
  const script = `EVAL "return ('a' < 'B') and 1 or 0" 0`;
  await using bytes = await startRedis({ env: { LC_ALL: "C" } });
  await using locale = await startRedis({ env: await utf8Locale() });
  expect(await ask(bytes, script)).toBe(":0\r\n");
  expect(await ask(locale, script)).toBe(":1\r\n");
});

test("a server does not outlive a test process that is killed", async () => {
  const owner = fileURLToPath(new URL("fixtures/redis-owner.ts", import.meta.url));
  const child = await startProcess(process.execPath, ["--conditions=@larder/source", owner]);
  const line = await child.waitForLine(/^redis /);
  const [, port] = line.split(" ").map(Number);
  const server = { host: "127.0.0.1", port: port ?? 0 };
  // A client that stays connected sees the end itself: no guess about how long the guard takes.
  const end = new Promise<void>((resolve) => {
    const socket = connect(server.port, server.host, () => child.signal("SIGKILL"));
    // A killed server's connections may end with a reset, and so does its backlog.
    socket.on("error", () => {});
    socket.once("close", () => resolve());
    socket.resume();
  });
  await end;
  expect(await child.waitForExit()).toEqual({ code: null, signal: "SIGKILL" });
  await expect(ask(server, "PING")).rejects.toThrow(/ECONNREFUSED|ECONNRESET|closed without an answer/);
});
