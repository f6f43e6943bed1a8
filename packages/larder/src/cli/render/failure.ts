import { isLarderError, LarderError, type Problem, stringifyJson } from "@larder/schema";
import type { CommanderError } from "commander";
import type { Paint } from "../terminal.ts";

/** Problems shown to a reader; `--json` has them all. */
const SHOWN = 20;

/** The error as a LarderError: anything else is a fault of Larder's own, and says so. */
export function asLarderError(error: unknown): LarderError {
  if (isLarderError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new LarderError("INTERNAL", {
    what: `Larder met an error it did not expect: ${message}`,
    remedy: "Run again with LARDER_DEBUG=1 to see where, and report it",
    cause: error,
  });
}

/** Commander's complaint in our words: its guess at what was meant becomes the remedy, else `help`, the command line that shows what is right. */
export function wrongUsage(error: CommanderError, help: string): LarderError {
  const [message = "", guess] = error.message.replace(/^error: /, "").split("\n");
  const meant = guess === undefined ? undefined : /\(Did you mean (?:one of )?(.*)\?\)/.exec(guess)?.[1];
  return new LarderError("USAGE", {
    what: message.charAt(0).toUpperCase() + message.slice(1).replace(/\.$/, ""),
    remedy:
      meant === undefined
        ? `\`${help}\` shows what it takes`
        : `Did you mean ${meant}? \`${help}\` lists what there is`,
    facts: { usage: error.code, suggestion: meant },
    cause: error,
  });
}

/** A command line that stops before the verb, after `named`; or one that asks for help with a word that is none. */
export function noVerb(named: string, word: string | undefined, verbs: readonly string[]): LarderError {
  return new LarderError("USAGE", {
    what: word === undefined ? `No verb was given after \`${named}\`` : `\`${named}\` has no verb "${word}"`,
    remedy: `Use one of: ${verbs.join(", ")}; \`${named} --help\` tells what they do`,
  });
}

/** The error for a machine: `{"error":{"code":…}}`. */
export function failureJson(error: LarderError): string {
  const { code, what, remedy, facts, retryable, problems } = error;
  return stringifyJson({ error: { code, message: error.message, what, remedy, facts, retryable, problems } });
}

/** The error for a reader: what, each problem with its place, the remedy. No stack trace, unless LARDER_DEBUG asks for it. */
export function failureText(error: LarderError, paint: Paint, debug: boolean): string {
  const lines = [`${paint.red("error")} ${paint.bold(error.code)}: ${error.what}.`];
  for (const problem of error.problems.slice(0, SHOWN))
    lines.push(`  ${problem.remedy === error.remedy ? `${whatText(problem)}.` : problemText(problem)}`);
  if (error.problems.length > SHOWN) lines.push(`  … and ${error.problems.length - SHOWN} more`);
  lines.push(`${paint.cyan("remedy")}: ${error.remedy}.`);
  if (debug) lines.push(String(error.stack), ...(error.cause instanceof Error ? [String(error.cause.stack)] : []));
  return `${lines.join("\n")}\n`;
}

/** One problem on one line: place, field, what, remedy. */
export function problemText(problem: Problem): string {
  return `${whatText(problem)}. ${problem.remedy}.`;
}

function whatText({ place, field, what }: Problem): string {
  return [place, field, what].filter((part) => part !== "").join(": ");
}
