import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { plainTerminal } from "./plain-terminal.ts";

async function init(folder: string, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, folder);
  return { code: await runCli(["init", ...args], terminal), said: terminal.said, talked: terminal.talked };
}

test("init writes the whole repository, its package.json for this version and the DuckDB that was tested", async () => {
  await using folder = await temporaryFolder();
  const { code, said } = await init(folder.path, "a/b c", "--json");
  expect(code).toBe(0);
  const { files, next } = JSON.parse(said);
  expect(files).toContain(".gitignore");
  expect(files).not.toContain("gitignore");
  for (const file of files) await access(join(folder.path, "a/b c", file));
  expect(next[0]).toBe("cd 'a/b c'");
  const manifest = createRequire(import.meta.url)("../../package.json");
  expect(JSON.parse(await readFile(join(folder.path, "a/b c/package.json"), "utf8")).dependencies).toEqual({
    larder: manifest.version,
    "@duckdb/node-api": manifest.peerDependencies["@duckdb/node-api"],
  });
});

test("a folder with anything in it is refused with what is in the way, and stays as it was", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "README.md"), "mine");
  const { code, talked } = await init(folder.path, ".");
  expect(code).toBe(1);
  expect(talked).toContain("error OUTPUT_UNWRITABLE: ");
  expect(talked).toContain("is not empty: it holds README.md");
  expect(await readFile(join(folder.path, "README.md"), "utf8")).toBe("mine");
  await expect(access(join(folder.path, "feature_store.yaml"))).rejects.toThrow("ENOENT");

  await mkdir(join(folder.path, "other"));
  await writeFile(join(folder.path, "other", "notes.txt"), "");
  expect((await init(folder.path, "other")).talked).toContain("it holds notes.txt");
});

test("a path that cannot be a folder is refused, and init takes neither -f nor --tenant", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "file"), "");
  expect(await init(folder.path, "file")).toMatchObject({
    code: 1,
    talked: expect.stringContaining("OUTPUT_UNWRITABLE"),
  });
  expect(await init(folder.path, "new", "--tenant", "acme")).toMatchObject({ code: 2 });
  expect(await init(folder.path)).toMatchObject({ code: 2 });
});

test("where the packages can be found already, no install is asked for", async () => {
  await using folder = await temporaryFolder();
  for (const name of ["larder", "@duckdb/node-api"]) {
    const path = join(folder.path, "node_modules", name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "index.js"), "");
  }
  const { said } = await init(folder.path, "demo");
  expect(said).toContain("npx larder validate");
  expect(said).not.toContain("npm install");
});
