import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runProcess, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { makeHistory } from "../src/history.ts";
import { readTelco } from "../src/telco.ts";
import { writeHistory } from "../src/write-history.ts";

const EXAMPLE = join(import.meta.dirname, "..");

async function generate(...args: readonly string[]) {
  return await runProcess(process.execPath, [join(EXAMPLE, "scripts", "generate.ts"), ...args]);
}

async function hashes(folder: string): Promise<Record<string, string>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const entries = files
    .filter((file) => file.isFile())
    .map(async (file) => {
      const path = join(file.parentPath, file.name);
      const hash = createHash("sha256")
        .update(await readFile(path))
        .digest("hex");
      return [path.slice(folder.length + 1), hash] as const;
    });
  return Object.fromEntries((await Promise.all(entries)).toSorted());
}

test("the same seed and as-of date write the same bytes, in any folder and over older files", async () => {
  await using first = await temporaryFolder();
  await using second = await temporaryFolder();
  const out = join(second.path, "it's a folder");
  const customers = (await readTelco(join(EXAMPLE, "data", "telco_churn.csv"))).slice(0, 500);
  const write = (asOf: string, folder: string) => writeHistory(makeHistory(customers, 3, new Date(asOf)), folder);
  await write("2026-05-01", out);
  const older = await hashes(out);
  const files = await write("2026-03-01", first.path);
  await write("2026-03-01", out);
  const written = await hashes(first.path);
  expect(Object.keys(written)).toEqual(files.map((file) => file.path).toSorted());
  expect(await hashes(out)).toEqual(written);
  expect(older).not.toEqual(written);
});

test.each([
  [["--as-of", "2026-03-02"], "--as-of 2026-03-02 is not the first of a month"],
  [["--as-of", "2026-13-01"], "--as-of 2026-13-01 is not the first of a month"],
  [["--seed", "1.5"], "--seed 1.5 is not a whole number"],
  [["--sed", "1"], "--sed"],
])("wrong usage %j says what is wrong and exits 2", async (args, message) => {
  const { code, stderr } = await generate(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain("Usage:");
});
