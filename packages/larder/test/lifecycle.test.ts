import { join } from "node:path";
import { startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { Lifecycle } from "../src/lifecycle.ts";

test("what was opened closes in reverse order, once, however often close is called", async () => {
  const lifecycle = new Lifecycle();
  const closed: string[] = [];
  for (const name of ["store", "models", "server"]) {
    await lifecycle.open(name, async () => ({ close: async () => void closed.push(name) }));
  }
  const [first, second] = await Promise.all([lifecycle.close(), lifecycle.close()]);
  expect(closed).toEqual(["server", "models", "store"]);
  expect(first).toEqual([]);
  expect(second).toBe(first);
});

test("a part that fails or hangs is reported by name and the earlier ones are closed all the same", async () => {
  const told: string[] = [];
  const lifecycle = new Lifecycle({ deadlineMs: 50, onProblem: (problem) => told.push(problem.message) });
  const closed: string[] = [];
  lifecycle.opened("store", () => closed.push("store"));
  lifecycle.opened("models", () => {
    throw new Error("no");
  });
  lifecycle.opened("server", () => new Promise(() => {}));
  const problems = await lifecycle.close();
  expect(closed).toEqual(["store"]);
  expect(problems.map(({ facts }) => facts["part"])).toEqual(["server", "models"]);
  expect(told).toEqual(problems.map(({ message }) => message));
  expect(told[0]).toContain("server was still closing at the deadline");
  expect(told[1]).toContain("models failed to close: no");
});

test("something that fails to open leaves the earlier parts to be closed", async () => {
  const lifecycle = new Lifecycle();
  const closed: string[] = [];
  lifecycle.opened("store", () => closed.push("store"));
  await expect(lifecycle.open("models", () => Promise.reject(new Error("missing")))).rejects.toThrow("missing");
  await lifecycle.close();
  expect(closed).toEqual(["store"]);
});

const SLOW = join(import.meta.dirname, "fixtures", "slow-to-stop.ts");

test.concurrent.each(["SIGINT", "SIGTERM"] as const)(
  "the first %s lets the work finish, and its echo changes nothing",
  async (signal) => {
    await using child = await startProcess(process.execPath, ["--conditions=@larder/source", SLOW, "10"]);
    await child.waitForLine(/^working$/);
    child.signal(signal);
    child.signal(signal === "SIGINT" ? "SIGTERM" : "SIGINT");
    expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
    expect(child.stdout).toContain("finished: ABORTED");
  },
);

test.concurrent("a second signal ends a process that does not stop", async () => {
  await using child = await startProcess(process.execPath, ["--conditions=@larder/source", SLOW, "60000"]);
  await child.waitForLine(/^working$/);
  child.signal("SIGTERM");
  await child.waitForLine(/^stopping for 600 ms$/);
  child.signal("SIGTERM");
  expect(await child.waitForExit()).toEqual({ code: 1, signal: null });
});
