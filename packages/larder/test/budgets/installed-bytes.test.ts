import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { installedBytes } from "../../src/budgets/installed-bytes.ts";

test("packages count once with what would be packed, dependencies with all of their files", async () => {
  await using temporary = await temporaryFolder();
  const write = async (path: string, content: string | object) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await mkdir(dirname(join(temporary.path, path)), { recursive: true });
    await writeFile(join(temporary.path, path), text);
    return text.length;
  };
  const app = {
    name: "app",
    files: ["dist", "!dist/**/*.map"],
    dependencies: { a: "1", b: "1" },
    peerDependencies: { c: "1" },
  };
  let expected = await write("app/package.json", app);
  expected += await write("app/dist/deep/index.js", "12345");
  await write("app/dist/index.js.map", "left out");
  await write("app/src/index.ts", "left out");
  const a = await write("app/node_modules/a/package.json", {
    name: "a",
    dependencies: { b: "1" },
    optionalDependencies: { none: "1" },
  });
  const b = await write("store/node_modules/b/package.json", { name: "b", dependencies: {} });
  expected += a + b + (await write("store/node_modules/b/lib/x.bin", "x".repeat(100)));
  await symlink(join(temporary.path, "store/node_modules/b"), join(temporary.path, "app/node_modules/b"));

  const found = await installedBytes(join(temporary.path, "app"));
  expect(found.packages.map(({ name }) => name).toSorted()).toEqual(["a", "app", "b"]);
  expect(found.bytes).toBe(expected);

  await write("app/package.json", { ...app, dependencies: { gone: "1" } });
  await expect(installedBytes(join(temporary.path, "app"))).rejects.toMatchObject({ code: "MISSING_DEPENDENCY" });
  await write("other/package.json", { name: "other", files: ["dist"] });
  await expect(installedBytes(join(temporary.path, "other"))).rejects.toThrow(/is not built/);
});
