import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command, CommanderError } from "commander";
import type { Terminal } from "./terminal.ts";
import type { Act, CommonOptions, Verb } from "./verb.ts";
import { VERBS } from "./verbs/index.ts";

const DESCRIPTION = `Online feature store and model server, driven by one feature_store.yaml.

Results go to stdout, everything else to stderr.
Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration, 99 a budget was missed.
Relative paths count from where you stand; paths inside the yaml from its folder.`;

/** The whole command, with every verb of `verbs`. */
export function buildProgram(terminal: Terminal, act: Act, verbs: readonly Verb[] = VERBS): Command {
  // With `sync status --json`, --json is of status, though sync has it, too.
  const program = new Command("larder").description(DESCRIPTION).enablePositionalOptions();
  program.version(readVersion(), "-V, --version", "print the version");
  program.addHelpText("after", "\nStart with `larder init demo`; `larder help <verb>` teaches each verb by example.");
  for (const verb of verbs) program.addCommand(verb(act));
  for (const command of withCommands(program)) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: () => {},
      getOutHelpWidth: () => terminal.helpWidth,
      getErrHelpWidth: () => terminal.helpWidth,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  }
  return program;
}

/** A command, and those below it. */
export function withCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withCommands)];
}

/**
 * Runs one command line (without `node` and the script) and answers the exit code. Never throws. What only running needs is imported when a verb
 * runs, so that help is quick.
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const act: Act = async (spec, command) => {
    const { withSignals } = await import("../lifecycle.ts");
    const { createProgress } = await import("./render/progress.ts");
    const options = command.opts<Partial<CommonOptions>>();
    const result = await withSignals(async (signal) =>
      spec.run({
        options: command.opts(),
        args: command.args,
        terminal,
        signal,
        file: resolve(terminal.folder, options.file ?? ""),
        path: (text) => (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : resolve(terminal.folder, text)),
        progress: (label) => createProgress(label, terminal),
      }),
    );
    if (result === undefined) return;
    const { stringifyJson } = await import("@larder/schema");
    terminal.out(options.json ? `${stringifyJson(result.json)}\n` : result.text);
    exitCode = result.exitCode ?? 0;
  };
  const program = buildProgram(terminal, act);
  if (args.length === 0) return fail(undefined, program, args, terminal);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // help or version was shown
    return fail(error, program, args, terminal);
  }
}

async function fail(error: unknown, program: Command, args: readonly string[], terminal: Terminal): Promise<1 | 2> {
  const { exitCodeOf } = await import("@larder/schema");
  const { asLarderError, failureJson, failureText, noVerb, wrongUsage } = await import("./render/failure.ts");
  const { command, named, rest } = commandOf(program, args);
  const verbs = command.commands.map((each) => each.name());
  const failure =
    error instanceof CommanderError && error.code !== "commander.help"
      ? wrongUsage(error, `${named} --help`)
      : error instanceof CommanderError || error === undefined
        ? noVerb(named, rest[0], verbs)
        : asLarderError(error);
  if (args.includes("--json")) terminal.out(`${failureJson(failure)}\n`);
  else terminal.talk(failureText(failure, terminal.paintTalk, Boolean(terminal.env["LARDER_DEBUG"])));
  return exitCodeOf(failure);
}

/** The command that the first words name, `larder redis check`, and the words behind it that are no options. `larder help x` is about x. */
function commandOf(program: Command, args: readonly string[]) {
  const words = args.filter((word) => !word.startsWith("-"));
  if (words[0] === "help") words.shift();
  let command = program;
  let named = program.name();
  for (;;) {
    const below = command.commands.find((each) => each.name() === words[0]);
    if (below === undefined) return { command, named, rest: words };
    command = below;
    named += ` ${words.shift()}`;
  }
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve("#package.json")), "utf8"));
  return String(version);
}
