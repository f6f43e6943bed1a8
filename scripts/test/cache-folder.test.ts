import { chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { cacheFolder, writableHome } from "../cache-folder.mjs";

test("LARDER_CACHE comes first, then XDG_CACHE_HOME, then the home folder; each is made, for this user only", async () => {
  await using folder = await temporaryFolder();
  const [own, xdg, home] = ["own", "xdg", "home"].map((name) => join(folder.path, name)) as [string, string, string];
  mkdirSync(home);
  expect(cacheFolder({ LARDER_CACHE: own, XDG_CACHE_HOME: xdg, HOME: home })).toBe(own);
  expect(cacheFolder({ XDG_CACHE_HOME: xdg, HOME: home })).toBe(join(xdg, "larder"));
  expect(cacheFolder({ HOME: home })).toBe(join(home, ".cache", "larder"));
  for (const path of [own, join(xdg, "larder"), join(home, ".cache", "larder")])
    expect(statSync(path).mode & 0o777).toBe(0o700);
});

test("a relative LARDER_CACHE counts from where the user stood", async () => {
  await using folder = await temporaryFolder();
  expect(cacheFolder({ LARDER_CACHE: "mine", INIT_CWD: folder.path })).toBe(join(folder.path, "mine"));
});

/** A file where the home folder should be: nobody, not even root, can make a folder in it. */
function homeless(folder: TemporaryFolder) {
  writeFileSync(join(folder.path, "home"), "");
  return { HOME: join(folder.path, "home"), TMPDIR: folder.path };
}

test("without a usable home the cache is a private folder under the system's temporary one", async () => {
  await using folder = await temporaryFolder();
  const path = cacheFolder(homeless(folder));
  expect(path).toBe(join(folder.path, `larder-cache-${process.getuid?.() ?? 0}`));
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test.runIf(process.getuid?.() === 0)("a folder that somebody else has put in its place is not used", async () => {
  await using folder = await temporaryFolder();
  const env = homeless(folder);
  const path = cacheFolder(env);
  chownSync(path, 12_345, 12_345);
  expect(() => cacheFolder(env)).toThrow(/is this user's own.*Name a folder of your own in LARDER_CACHE/);
});

test.skipIf(process.getuid?.() === 0)("a home folder that can't be written is none", async () => {
  await using folder = await temporaryFolder();
  const home = join(folder.path, "home");
  mkdirSync(home, { mode: 0o500 });
  expect(writableHome({ HOME: home })).toBeUndefined();
  expect(writableHome({ HOME: folder.path })).toBe(folder.path);
  expect(cacheFolder({ HOME: home, TMPDIR: folder.path })).toMatch(/larder-cache-\d+$/);
});

test("a LARDER_CACHE that can't be used is an error, never silently another folder", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  expect(() => cacheFolder({ LARDER_CACHE: file, HOME: folder.path })).toThrow(
    /LARDER_CACHE names .*Name a folder of your own/,
  );
  expect(() => cacheFolder({ LARDER_CACHE: join(file, "x"), HOME: folder.path })).toThrow(/LARDER_CACHE names/);
});
