import { existsSync, mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { takingTurns } from "../bootstrap/turns.mjs";

test("works that want the same turn never overlap, also when one fails", async () => {
  await using folder = await temporaryFolder();
  const lock = join(folder.path, "deep", "install.lock");
  let inside = 0;
  let most = 0;
  const work = (fails: boolean) => async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    if (fails) throw new Error("failed in its turn");
    return "done";
  };
  const results = await Promise.allSettled([false, true, false].map((fails) => takingTurns(lock, work(fails))));
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(most).toBe(1);
  expect(existsSync(lock)).toBe(false);
});

test("the lock of a killed run is taken over once it has not been touched for a while", async () => {
  await using folder = await temporaryFolder();
  const lock = join(folder.path, "install.lock");
  mkdirSync(lock);
  const longAgo = performance.timeOrigin / 1000 - 60;
  utimesSync(lock, longAgo, longAgo);
  expect(await takingTurns(lock, async () => "done")).toBe("done");
  expect(existsSync(lock)).toBe(false);
});
