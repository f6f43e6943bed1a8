import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { followGuide, runProcess, temporaryFolder } from "../src/index.ts";

/** A page of blocks, each its fence line's words and its text. */
function page(...blocks: readonly (readonly [string, string])[]): string {
  return blocks.map(([fence, text]) => `Words.\n\n\`\`\`${fence}\n${text}\n\`\`\`\n`).join("\n");
}

async function follow(...blocks: readonly (readonly [string, string])[]) {
  await using folder = await temporaryFolder();
  const run = async (command: string, cwd: string) => {
    const { code, stdout, stderr } = await runProcess("bash", ["-c", command], { cwd });
    return { code, output: stdout + stderr };
  };
  const commands = await followGuide(page(...blocks), { folder: folder.path, run });
  return { commands, file: await readFile(join(folder.path, "a.txt"), "utf8").catch(() => undefined) };
}

test("a guide's files are written and changed, its commands run where they say, its outputs compared", async () => {
  const done = await follow(
    ["txt a.txt", "one\ntwo\nthree"],
    ["diff a.txt", " one\n-two\n+2\n three"],
    ["sh", "mkdir b\ncd b\ncat \\\n  ../a.txt"],
    ["text", "2\nthree"],
    ["sh", "echo left; exit 3 # exit code 3"],
    ["text", "left"],
  );
  expect(done).toEqual({ commands: 3, file: "one\n2\nthree\n" });
});

test.each([
  [
    "an output that is another",
    [
      ["sh", "echo one"],
      ["text", "on"],
    ] as const,
    /does not hold/,
  ],
  ["a command that fails", [["sh", "false"]] as const, /ended with 1, not 0/],
  ["a command that should have failed", [["sh", "true # exit code 2"]] as const, /ended with 0, not 2/],
  [
    "a change of a line that is not there",
    [
      ["txt a.txt", "a"],
      ["diff a.txt", "-b\n+c"],
    ] as const,
    /stand 0 times/,
  ],
  [
    "a change of a line that is there twice",
    [
      ["txt a.txt", "a\nx\na"],
      ["diff a.txt", "-a\n+c"],
    ] as const,
    /stand 2 times/,
  ],
  ["a block that cannot be tried", [["json", "{}"]] as const, /names no file/],
])("%s fails the guide", async (_, blocks, message) => {
  await expect(follow(...blocks)).rejects.toThrow(message);
});
