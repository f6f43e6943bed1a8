import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runProcess, temporaryFolder } from "../src/index.ts";

test("each folder is new, empties itself away, and has a space in its path", async () => {
  const first = await temporaryFolder();
  const second = await temporaryFolder();
  expect(first.path).not.toBe(second.path);
  expect(first.path).toContain(" ");
  await writeFile(join(first.path, "row.json"), "{}");
  await first.remove();
  expect(existsSync(first.path)).toBe(false);
  expect(existsSync(second.path)).toBe(true);
  await second.remove();
  await second.remove();
  expect(existsSync(second.path)).toBe(false);
});

test("a folder that a process forgets goes when the process exits", async () => {
  const script = fileURLToPath(new URL("fixtures/forget-folder.ts", import.meta.url));
  const { code, stdout } = await runProcess(process.execPath, ["--conditions=@larder/source", script]);
  expect(code).toBe(3);
  const path = stdout.trim();
  expect(path).toContain("larder test-");
  expect(existsSync(path)).toBe(false);
});
