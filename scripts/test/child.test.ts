import { fileURLToPath } from "node:url";
import { runProcess, startProcess } from "@larder/testkit";
import { expect, test } from "vitest";

const PASS_ON = fileURLToPath(new URL("../fixtures/pass-on.mjs", import.meta.url));

test("a child's exit code becomes our own", async () => {
  expect(await runProcess(process.execPath, [PASS_ON, "process.exit(99)"])).toMatchObject({ code: 99, signal: null });
  expect(await runProcess(process.execPath, [PASS_ON, "console.log('out')"])).toMatchObject({
    code: 0,
    stdout: "out\n",
  });
});

test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)(
  "%s reaches the child once, and its answer is ours",
  async (signal) => {
    const script = `
    let count = 0;
    process.on("${signal}", () => {
      console.log("${signal} " + ++count);
      process.exitCode = 7;
      setTimeout(() => clearInterval(alive), 50);
    });
    const alive = setInterval(() => {}, 1e6);
    console.log("up");`;
    await using child = await startProcess(process.execPath, [PASS_ON, script]);
    await child.waitForLine(/^up$/);
    child.signal(signal);
    expect(await child.waitForExit()).toEqual({ code: 7, signal: null });
    expect(child.stdout).toBe(`up\n${signal} 1\n`);
  },
);

test("a child that a signal ends ends us by the same signal", async () => {
  await using child = await startProcess(process.execPath, [PASS_ON, "console.log('up'); setInterval(() => {}, 1e6)"]);
  await child.waitForLine(/^up$/);
  child.signal("SIGTERM");
  expect(await child.waitForExit()).toEqual({ code: null, signal: "SIGTERM" });
});
