import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { followGuide, runProcess, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { plainTerminal } from "../cli/plain-terminal.ts";

const DOCS = join(import.meta.dirname, "../../../../docs");

/** Guides that a reader follows from an empty folder, as followGuide of testkit says. */
const GUIDES = ["concepts.md", "add-a-feature.md", "change-a-type.md", "add-a-tenant.md", "changing-definitions.md"];

/** `larder …` in this process, anything else in a shell. */
async function run(command: string, folder: string) {
  if (!command.startsWith("larder ")) {
    const { code, stdout, stderr } = await runProcess("bash", ["-c", command], { cwd: folder });
    return { code, output: stdout + stderr };
  }
  const terminal = plainTerminal(undefined, folder);
  const code = await runCli(command.split(" ").slice(1), terminal);
  return { code, output: terminal.said + terminal.talked };
}

test.concurrent.each(GUIDES)("%s works, command by command, and prints what it says", async (name) => {
  const page = await readFile(join(DOCS, name), "utf8");
  await using folder = await temporaryFolder();
  expect(await followGuide(page, { folder: folder.path, run })).toBeGreaterThan(3);
});
