import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { runProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { commandLine } from "../bootstrap/commands.mjs";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

test("commands of its own run a program, all other names a turbo task", () => {
  expect(commandLine(ROOT, "test", ["--force"])).toEqual({
    program: ["scripts/test.mjs", "--force"],
    options: { cwd: ROOT },
  });
  expect(commandLine(ROOT, "typecheck", ["--force"]).program.slice(1)).toEqual(["run", "typecheck", "--force"]);
});

test("a name that is neither is wrong usage, exit 2, and lists the ones there are", async () => {
  for (const args of [["frobnicate"], ["constructor"], []]) {
    const { code, stdout, stderr } = await runProcess(process.execPath, [`${ROOT}/scripts/bootstrap.mjs`, ...args]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /^larder: UNKNOWN_COMMAND: .*Use one of larder, quickstart, demo:stream, test, lint, bench, .*typecheck/,
    );
  }
});

test("larder runs from source where the user stood, everything else at the root", async () => {
  const { program, options } = commandLine(ROOT, "larder", ["get", "--json"]);
  expect(program).toEqual(["--conditions=@larder/source", `${ROOT}/packages/larder/src/cli/main.ts`, "get", "--json"]);
  expect(options.cwd).toBe(process.env["INIT_CWD"] || process.cwd());
  expect(commandLine(ROOT, "build", []).options.cwd).toBe(ROOT);
});
