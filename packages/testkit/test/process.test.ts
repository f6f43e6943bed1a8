import { existsSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { LOOPBACK, runProcess, startProcess, temporaryFolder } from "../src/index.ts";

const node = process.execPath;

test("a finished run tells its code and both outputs", async () => {
  const result = await runProcess(node, ["-e", "console.log('out'); console.error('err'); process.exit(7)"]);
  expect(result).toEqual({ code: 7, signal: null, stdout: "out\n", stderr: "err\n" });
});

test("folder and environment reach the child; undefined takes a variable away", async () => {
  await using folder = await temporaryFolder();
  const script = "console.log(JSON.stringify([process.cwd(), process.env.LARDER_GIVEN, process.env.HOME ?? 'none']))";
  const { stdout } = await runProcess(node, ["-e", script], {
    cwd: folder.path,
    env: { LARDER_GIVEN: "yes", HOME: undefined },
  });
  expect(JSON.parse(stdout)).toEqual([folder.path, "yes", "none"]);
});

test("a line is found whether it was written before or after the question", async () => {
  await using child = await startProcess(node, [
    "-e",
    "console.log('ready 1'); setTimeout(() => console.error('ready 2'), 30); setInterval(() => {}, 1e6)",
  ]);
  expect(await child.waitForLine(/^ready 1$/)).toBe("ready 1");
  expect(await child.waitForLine(/^ready 1$/)).toBe("ready 1");
  expect(await child.waitForLine(/^ready 2$/)).toBe("ready 2");
});

test("waiting for a line fails with the output when the child ends or the time is over", async () => {
  await using ending = await startProcess(node, ["-e", "console.error('no luck')"]);
  await expect(ending.waitForLine(/^ready$/)).rejects.toThrow(/ended without it.*no luck/s);
  await using silent = await startProcess(node, ["-e", "setInterval(() => {}, 1e6)"]);
  await expect(silent.waitForLine(/^ready$/, 50)).rejects.toThrow(/Waited 50 ms for a line like \/\^ready\$\//);
  await expect(silent.waitForExit(50)).rejects.toThrow(/Waited 50 ms for the end/);
});

test("a run that takes too long is killed and fails", async () => {
  await expect(runProcess(node, ["-e", "setInterval(() => {}, 1e6)"], { ms: 50 })).rejects.toThrow(/Waited 50 ms/);
});

test("a child that ignores SIGTERM, or stands still, is ended all the same", async () => {
  const stubborn = await startProcess(node, [
    "-e",
    "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1e6)",
  ]);
  await stubborn.waitForLine(/^up$/);
  expect(await stubborn.end(50)).toEqual({ code: null, signal: "SIGKILL" });
  const halted = await startProcess(node, ["-e", "console.log('up'); setInterval(() => {}, 1e6)"]);
  await halted.waitForLine(/^up$/);
  halted.signal("SIGSTOP");
  expect(await halted.end()).toEqual({ code: null, signal: "SIGTERM" });
  expect(await halted.end()).toEqual({ code: null, signal: "SIGTERM" });
});

test("a command that does not exist is an error that names it", async () => {
  await expect(startProcess("larder-no-such-command")).rejects.toThrow(/larder-no-such-command/);
});

test("a child does not outlive its parent, and its folder goes with it", async () => {
  const script = fileURLToPath(new URL("fixtures/process-owner.ts", import.meta.url));
  const parent = await startProcess(node, ["--conditions=@larder/source", script]);
  const { port, folder } = JSON.parse(await parent.waitForLine(/^{/)) as { port: number; folder: string };
  const closed = new Promise<void>((resolve) => {
    const socket = connect(port, LOOPBACK, () => parent.signal("SIGKILL"));
    socket.on("error", () => {});
    socket.once("close", () => resolve());
    socket.resume();
  });
  await closed;
  expect(await parent.waitForExit()).toEqual({ code: null, signal: "SIGKILL" });
  await expect.poll(() => existsSync(folder), { timeout: 5_000 }).toBe(false);
});
