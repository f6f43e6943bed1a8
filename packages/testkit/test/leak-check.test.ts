import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { LOOPBACK, startLeakCheck } from "../src/index.ts";

test("work that closes what it opened leaves nothing, even when closing takes a while", async () => {
  const check = startLeakCheck();
  const server = createServer().listen(0, LOOPBACK);
  await once(server, "listening");
  const timer = setTimeout(() => {}, 20);
  const child = spawn("sleep", ["0.05"]);
  server.close();
  await check.assertNothingLeft();
  expect(child.exitCode).toBe(0);
  clearTimeout(timer);
});

test("an unref'd timer is no leak, since it keeps nothing alive", async () => {
  const check = startLeakCheck();
  const timer = setTimeout(() => {}, 60_000).unref();
  await check.assertNothingLeft();
  clearTimeout(timer);
});

test("this process's own input and output are no leaks, whoever uses them first", async () => {
  const check = startLeakCheck();
  process.stdin.once("error", () => {});
  process.stderr.once("error", () => {});
  await check.assertNothingLeft();
});

test("each kind of leak is named and counted", async () => {
  const check = startLeakCheck();
  const server = createServer().listen(0, LOOPBACK);
  await once(server, "listening");
  const accepted = once(server, "connection");
  const socket = connect((server.address() as AddressInfo).port, LOOPBACK);
  const [other] = await accepted;
  const timer = setInterval(() => {}, 60_000);
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  const worker = new Worker("setInterval(() => {}, 60_000)", { eval: true });
  await once(worker, "online");
  const failure = check.assertNothingLeft(50);
  await expect(failure).rejects.toThrow(/a TCP server made at .*leak-check\.test\.ts:\d+/);
  await expect(failure).rejects.toThrow(/(a TCP connection.*){2}/);
  await expect(failure).rejects.toThrow(/a timer made at .*leak-check\.test\.ts:\d+/);
  await expect(failure).rejects.toThrow(/a child process made at .*leak-check\.test\.ts:\d+/);
  await expect(failure).rejects.toThrow(/a worker thread made at .*leak-check\.test\.ts:\d+/);
  socket.destroy();
  other.destroy();
  server.close();
  clearInterval(timer);
  child.kill("SIGKILL");
  await worker.terminate();
});
