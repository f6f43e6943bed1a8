import { Command } from "commander";
import type { Progress } from "./render/progress.ts";
import type { Terminal } from "./terminal.ts";

/** The options that every verb has, `json` alone where it is standalone. */
export interface CommonOptions {
  readonly file: string;
  readonly tenant: string;
  readonly json?: boolean;
}

/** What a verb gets to work with. */
export interface VerbContext<Options> {
  readonly options: Options & Omit<CommonOptions, keyof Options>;
  /** Positional arguments, in order. */
  readonly args: readonly string[];
  readonly terminal: Terminal;
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** The absolute form of a path that the user wrote. */
  path(text: string): string;
  /** Absolute path of the definitions (`-f`); of the folder where the user stands for a standalone verb. */
  readonly file: string;
  /** Shows how far long work has come, on stderr. */
  progress(label: string): Progress;
}

/** What a verb found: the same result for a machine and for a reader. */
export interface VerbResult {
  /** One value, written as one line of JSON with `--json`. int64 values are exact. */
  readonly json: unknown;
  readonly text: string;
  /** 1 when the work was done and its result is bad news; default 0. */
  readonly exitCode?: 0 | 1 | 99;
}

/** A verb as its file writes it. */
export interface VerbSpec<Options> {
  /** Name and arguments in commander's form: `materialize <START> <END>`. */
  readonly usage: string;
  /** One line, in the list of verbs. */
  readonly summary: string;
  /** What it does, what it leaves behind, what can go wrong. */
  readonly description: string;
  /** Command lines that work as printed, without the leading `larder`. */
  readonly examples: readonly string[];
  /**
   * `required` where a default would be dangerous, `several` where it may be repeated, too, `unset` for no default, `requests` where requests may name
   * another, `all` for every tenant unless one is named. Default: `default`.
   */
  readonly tenant?: "required" | "several" | "unset" | "requests" | "all";
  /** The verb needs no definitions: it takes neither `-f` nor `--tenant`. */
  readonly standalone?: true;
  options?(command: Command): Command;
  /** Long names of options that must be given. Commander's own check would come before the one for misspelt options, and hide it. */
  readonly required?: readonly string[];
  run(context: VerbContext<Options>): Promise<VerbResult | undefined>;
}

/** Runs a verb's work and renders its result; given by main.ts. */
export type Act = <Options>(spec: VerbSpec<Options>, command: Command) => Promise<void>;

/** A verb, ready to be added to the program. */
export type Verb = (act: Act) => Command;

/** Makes a verb: its options, its help, and the action that hands over to `run`. */
export function defineVerb<Options = object>(spec: VerbSpec<Options>): Verb {
  return (act) => {
    const [name = "", ...args] = spec.usage.split(" ");
    const command = new Command(name).summary(spec.summary).description(unwrapped(spec.description));
    if (args.length > 0) command.arguments(args.join(" "));
    spec.options?.(command);
    if (spec.standalone !== true) definitionsOptions(command, spec.tenant);
    command.option("--json", "one JSON object on stdout, also for an error");
    command.addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  $ larder ${line}\n`).join("")}`);
    const required = [
      ...(spec.required ?? []),
      ...(["required", "several"].includes(spec.tenant ?? "") ? ["--tenant"] : []),
    ];
    return command.action(async () => {
      refuseMissing(command, required);
      await act(spec, command);
    });
  };
}

function definitionsOptions(command: Command, tenant: VerbSpec<object>["tenant"]): void {
  command.option("-f, --file <path>", "the definitions", "feature_store.yaml");
  if (tenant === "required") command.option("--tenant <name>", "whose rows (required)");
  else if (tenant === "several") command.option("--tenant <name>", "whose rows; may be repeated (required)", collect);
  else if (tenant === "unset") command.option("--tenant <name>", "check that this tenant is declared");
  else if (tenant === "all") command.option("--tenant <name>", "only this tenant (default: all)");
  else if (tenant === "requests") command.option("--tenant <name>", "for requests that name none", "default");
  else command.option("--tenant <name>", "whose rows", "default");
}

/** Makes a group: verbs that are named after another word, as in `larder redis check`. */
export function defineGroup(name: string, summary: string, verbs: readonly Verb[]): Verb {
  return (act) => {
    const group = new Command(name)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`);
    group.addHelpText("after", `\n\`larder ${name} <verb> --help\` teaches each by example.`);
    for (const verb of verbs) group.addCommand(verb(act));
    return group;
  };
}

/** A verb that has others below it, as `larder sync` has `larder sync status`. */
export function withVerbs(verb: Verb, below: readonly Verb[]): Verb {
  return (act) => {
    // Options behind the name of a verb below are that verb's.
    const command = verb(act).enablePositionalOptions();
    for (const each of below) command.addCommand(each(act));
    return command;
  };
}

/** Lines of source code are no lines of a help text: only blank ones divide paragraphs. */
function unwrapped(text: string): string {
  return text.replace(/(?<!\n)\n(?!\n)/g, " ");
}

function refuseMissing(command: Command, required: readonly string[]): void {
  for (const option of command.options) {
    if (!required.includes(option.long ?? "") || command.getOptionValue(option.attributeName()) !== undefined) continue;
    command.error(`error: required option '${option.flags}' not specified`, {
      code: "commander.missingMandatoryOptionValue",
    });
  }
}

/** For an option that may be repeated: all of its values, in order. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
