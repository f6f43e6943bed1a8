import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { installOnce } from "../install-once.mjs";

test("a folder is made once and then left alone", async () => {
  await using folder = await temporaryFolder();
  const target = join(folder.path, "tool");
  expect(await installOnce(target, async (path: string) => writeFileSync(join(path, "version"), "1"))).toBe(true);
  expect(await installOnce(target, async (path: string) => writeFileSync(join(path, "version"), "2"))).toBe(false);
  expect(readFileSync(join(target, "version"), "utf8")).toBe("1");
  expect(readdirSync(folder.path)).toEqual(["tool"]);
});

test("of two at once one wins whole, and the other leaves nothing behind", async () => {
  await using folder = await temporaryFolder();
  const target = join(folder.path, "tool");
  const { promise: bothAreIn, resolve } = Promise.withResolvers<void>();
  let inside = 0;
  const make = (name: string) => async (path: string) => {
    for (const file of ["a", "b"]) writeFileSync(join(path, file), name);
    if (++inside === 2) resolve();
    await bothAreIn;
  };
  const made = await Promise.all([installOnce(target, make("first")), installOnce(target, make("second"))]);
  expect([...made].sort()).toEqual([false, true]);
  expect(readFileSync(join(target, "a"), "utf8")).toBe(readFileSync(join(target, "b"), "utf8"));
  expect(readdirSync(folder.path)).toEqual(["tool"]);
});

test("a failed installation leaves nothing that looks finished, and the next one starts anew", async () => {
  await using folder = await temporaryFolder();
  const target = join(folder.path, "tool");
  const failing = installOnce(target, async (path: string) => {
    writeFileSync(join(path, "half"), "");
    throw new Error("no network");
  });
  await expect(failing).rejects.toThrow("no network");
  expect(readdirSync(folder.path)).toEqual([]);
  expect(await installOnce(target, async () => {})).toBe(true);
});

test("what a killed run left is swept after a day, not before", async () => {
  await using folder = await temporaryFolder();
  const [old, recent] = [join(folder.path, ".unfinished-tool-old"), join(folder.path, ".unfinished-tool-new")];
  await mkdir(old);
  await mkdir(recent);
  const twoDaysAgo = performance.timeOrigin / 1000 - 2 * 86_400;
  utimesSync(old, twoDaysAgo, twoDaysAgo);
  await installOnce(join(folder.path, "tool"), async () => {});
  expect(readdirSync(folder.path).sort()).toEqual([".unfinished-tool-new", "tool"]);
});
