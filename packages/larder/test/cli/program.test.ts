import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { buildProgram, runCli, withCommands } from "../../src/cli/program.ts";
import type { Act } from "../../src/cli/verb.ts";
import { plainTerminal } from "./plain-terminal.ts";

const nothing: Act = async () => {};
const [, ...commands] = withCommands(buildProgram(plainTerminal(), nothing));
const verbs = commands.filter(({ options }) => options.length > 0);

/** What is typed for a verb: its name, after that of its group. */
function typed(verb: Command): string {
  return verb.parent?.parent ? `${verb.parent.name()} ${verb.name()}` : verb.name();
}
const docs = await readFile(join(import.meta.dirname, "../../../../docs/cli.md"), "utf8");

test("help lists every verb with what it does, on stdout, and exits 0", async () => {
  const terminal = plainTerminal();
  expect(await runCli(["--help"], terminal)).toBe(0);
  for (const verb of buildProgram(plainTerminal(), nothing).commands)
    expect(terminal.said.replace(/\s+/g, " ")).toContain(verb.summary());
  expect(terminal.talked).toBe("");
});

test.each(verbs.map(typed))("%s --help teaches by description, options and examples", async (name) => {
  const terminal = plainTerminal();
  expect(await runCli([...name.split(" "), "--help"], terminal)).toBe(0);
  expect(terminal.said).toMatch(/Usage: larder /);
  expect(terminal.said).toContain("--json");
  expect(terminal.said).toContain("Examples:");
  for (const line of terminal.said.split("\n").filter((text) => !text.includes("$ ")))
    expect(line.length).toBeLessThan(121);
});

/** Command lines in help texts and docs: `  $ larder …` and lines of sh blocks. */
function commandLines(text: string): string[][] {
  return [...text.matchAll(/^ *(?:\$ )?larder (.+)$/gm)].map(([, line = ""]) => wordsOf(line));
}

/** Words of a command line, in double quotes or without blanks. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}

test("every example in help and docs is a command line that the command takes", async () => {
  const helps = verbs.map(async (verb) => {
    const terminal = plainTerminal();
    await runCli([...typed(verb).split(" "), "--help"], terminal);
    return terminal.said;
  });
  const lines = commandLines([docs, ...(await Promise.all(helps))].join("\n"));
  expect(lines.length).toBeGreaterThan(20);
  for (const args of lines) {
    let acted = 0;
    const program = buildProgram(plainTerminal(), async () => void acted++);
    await program.parseAsync(args, { from: "user" });
    expect(acted, args.join(" ")).toBe(1);
  }
});

test.each(["--version", "-V"])("%s prints the version of the package", async (option) => {
  const terminal = plainTerminal();
  expect(await runCli([option], terminal)).toBe(0);
  expect(terminal.said).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [["materialise", "a", "b"], "Did you mean materialize"],
  [["get", "--entitty", "a=1"], "Did you mean --entity"],
  [["push", "view"], "`larder push --help`"],
  [["materialize", "2024-01-01"], "`larder materialize --help`"],
  [["get", "extra", "--entity", "a=1"], "`larder get --help`"],
  [["frobnicate"], "larder --help"],
  [["help", "frobnicate"], "Use one of: init"],
  [["redis"], "Use one of: check, explain"],
  [["redis", "help", "frobnicate"], "Use one of: check, explain"],
  [
    [],
    buildProgram(plainTerminal(), nothing)
      .commands.map((verb) => verb.name())
      .join(", "),
  ],
])("wrong usage %j exits 2 and says what was meant", async (args, remedy) => {
  const terminal = plainTerminal();
  expect(await runCli(args, terminal)).toBe(2);
  expect(terminal.talked).toContain("error USAGE: ");
  expect(terminal.talked).toContain(remedy);
  expect(terminal.talked).not.toMatch(/^\s+at /m);
  expect(terminal.said).toBe("");

  const json = plainTerminal();
  expect(await runCli([...args, "--json"], json)).toBe(2);
  expect(JSON.parse(json.said)).toMatchObject({ error: { code: "USAGE" } });
  expect(json.said.endsWith("}\n")).toBe(true);
  expect(json.talked).toBe("");
});
