import { access, glob, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { churnFolder } from "./churn-folder.ts";
import { blocks } from "./document-blocks.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const EXAMPLE = join(import.meta.dirname, "..");

async function documents(): Promise<{ readonly name: string; readonly text: string }[]> {
  const names: string[] = [];
  for await (const name of glob(["*.md", "docs/**/*.md"], { cwd: ROOT })) names.push(name);
  return Promise.all(names.sort().map(async (name) => ({ name, text: await readFile(join(ROOT, name), "utf8") })));
}

test("links and files that the documents name exist", async () => {
  const missing: string[] = [];
  for (const { name, text } of await documents()) {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => join(dirname(name), match[1] ?? ""));
    const files = [...text.matchAll(/`((?:packages|examples|docs|scripts|\.ci)\/[\w./-]+)`/g)].map(
      (match) => match[1] ?? "",
    );
    // What a run leaves under .larder is not there before the run.
    for (const path of [...links, ...files.filter((file) => !file.includes("/.larder/"))]) {
      await access(join(ROOT, path)).catch(() => missing.push(`${name}: ${path}`));
    }
  }
  expect(missing).toEqual([]);
});

test("the README's calls answer what the README says, over HTTP and in process", async () => {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  await using folder = await churnFolder();
  expect((await folder.generate()).code).toBe(0);
  expect((await folder.larder("materialize", "2020-01-01", new Date().toISOString())).code).toBe(0);

  await using server = await folder.serve();
  const calls = blocks(readme, "sh")
    .flatMap((block) => block.trim().split("\n\n"))
    .filter((call) => call.startsWith("curl "))
    .map((call) => call.split("\n# ", 2));
  expect(calls.length).toBeGreaterThan(1);
  for (const [command = "", answer] of calls) {
    const { stdout } = await runProcess("bash", ["-c", command.replace("http://127.0.0.1:6566", server.url)], {
      ms: 20_000,
    });
    expect(stdout.trim()).toBe(answer);
  }

  const [program = "", ...others] = blocks(readme, "ts");
  expect(others).toEqual([]);
  const expected = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1]);
  const code = program.replace('"feature_store.yaml"', JSON.stringify(folder.file));
  const args = ["--conditions=@larder/source", "--input-type=module-typescript", "--eval", code];
  const { stdout, stderr } = await runProcess(process.execPath, args, { cwd: EXAMPLE, ms: 30_000 });
  expect(stdout.trim().split("\n"), stderr).toEqual(expected);
});
