import { startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { cpuOf, treeCpuOf } from "../../src/peers/process-tree.ts";

test("what a process has started counts for its tree, not for itself", async () => {
  // It ends with its parent, when nobody holds the other end of its standard input any more.
  const child = `for (const end = performance.now() + 300; performance.now() < end; ); console.log("burnt"); process.stdin.on("end", () => process.exit()).resume()`;
  const parent = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: ["pipe", "inherit", "inherit"] })`;
  await using started = await startProcess(process.execPath, ["-e", parent]);
  await started.waitForLine(/^burnt/, 30_000);
  const [own, tree] = [cpuOf(started.pid), treeCpuOf(started.pid)];
  // The child is busy for 300 ms of wall time, whatever part of it the machine gives it.
  expect(own).toBeGreaterThan(0);
  expect(tree).toBeGreaterThan(own);
  expect(treeCpuOf(process.pid)).toBeGreaterThanOrEqual(tree);
});
