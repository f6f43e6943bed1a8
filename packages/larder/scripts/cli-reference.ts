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
  const commands = [...verbsOf(buildProgram(systemTerminal(), async () => {}))];
  const ofVerbs = new Map(sections.map((section) => [section.slice("## ".length).split("\n", 1)[0], section]));
  const others = sections.filter(
    (section) => !section.includes("<!-- verb:") && commands.every(({ name }) => ofVerbs.get(name) !== section),
  );
  const rows = commands.map(
    ({ name, command }) => `| [\`${name}\`](#${name.replaceAll(" ", "-")}) | ${command.summary()} |\n`,
  );
  const list = `<!-- verbs -->\n| verb | what it does |\n| --- | --- |\n${rows.join("")}<!-- /verbs -->`;
  const verbs = commands.map((verb) => verbSection(verb, ofVerbs.get(verb.name) ?? ""));
  const parts = [head.replace(/<!-- verbs -->.*<!-- \/verbs -->/s, () => list), ...others, ...verbs];
  return `${parts.map((part) => part.trimEnd()).join("\n\n")}\n`;
}

/** A verb and what is typed for it: its name, after that of its group. */
interface NamedVerb {
  readonly name: string;
  readonly command: Command;
}

function* verbsOf(group: Command, before = ""): Iterable<NamedVerb> {
  for (const command of group.commands) {
    const name = `${before}${command.name()}`;
    if (isVerb(command)) yield { name, command };
    yield* verbsOf(command, `${name} `);
  }
}

/** A group has nothing to run, and so no options. */
function isVerb({ options }: Command): boolean {
  return options.length > 0;
}

function verbSection({ name, command }: NamedVerb, before: string): string {
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
