import type { Command, Option } from "commander";
import { buildProgram } from "../src/cli/program.ts";
import { systemTerminal } from "../src/cli/terminal.ts";

/** Options that the page tells of once, among what all verbs share. */
const SHARED = ["--file", "--json"];

/**
 * docs/cli.md with what the verbs say of themselves: the list of verbs, and for each its description, examples and options, between
 * `<!-- verb:NAME -->` and `<!-- /verb:NAME -->`. What is written by hand below that stays; sections come in the order of the verbs, after all others.
 */
export function withVerbs(page: string): string {
  const [head = "", ...sections] = page.split(/\n(?=## )/);
  const commands = buildProgram(systemTerminal(), async () => {}).commands;
  const ofVerbs = new Map(sections.map((section) => [section.slice("## ".length).split("\n", 1)[0], section]));
  const others = sections.filter(
    (section) =>
      !section.includes("<!-- verb:") && commands.every((command) => ofVerbs.get(command.name()) !== section),
  );
  const rows = commands.map((command) => `| [\`${command.name()}\`](#${command.name()}) | ${command.summary()} |\n`);
  const list = `<!-- verbs -->\n| verb | what it does |\n| --- | --- |\n${rows.join("")}<!-- /verbs -->`;
  const verbs = commands.map((command) => verbSection(command, ofVerbs.get(command.name()) ?? ""));
  const parts = [head.replace(/<!-- verbs -->.*<!-- \/verbs -->/s, () => list), ...others, ...verbs];
  return `${parts.map((part) => part.trimEnd()).join("\n\n")}\n`;
}

function verbSection(command: Command, before: string): string {
  const name = command.name();
  const [, byHand = before.replace(/^## .*\n?/, "")] = before.split(`<!-- /verb:${name} -->\n`);
  const blocks = [command.description(), `\`\`\`sh\n${examples(command)}\`\`\``, ...optionTable(command)];
  return `## ${name}\n<!-- verb:${name} -->\n${blocks.join("\n\n")}\n<!-- /verb:${name} -->\n${byHand}`;
}

/** The command lines that the verb's help ends with. */
function examples(command: Command): string {
  let help = "";
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  return [...help.matchAll(/^ {2}\$ (larder .*)$/gm)].map(([, line]) => `${line}\n`).join("");
}

function optionTable(command: Command): readonly string[] {
  const options = command.options.filter((option) => !SHARED.includes(option.long ?? ""));
  if (options.length === 0) return [];
  return [`| option | default | meaning |\n| --- | --- | --- |\n${options.map(optionRow).join("\n")}`];
}

function optionRow({ flags, defaultValue, description }: Option): string {
  // Where commander does not know the default, the description states it.
  const [, meaning = description, stated] = /^(.*) \(default: (.*)\)$/.exec(description) ?? [];
  const byDefault = stated ?? (defaultValue === undefined || defaultValue === false ? "" : `\`${defaultValue}\``);
  return `| \`${flags}\` | ${byDefault} | ${meaning.replaceAll("|", "\\|")} |`;
}
