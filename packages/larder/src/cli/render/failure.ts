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

/** Commander's complaint in our words: its guess at what was meant becomes the remedy. */
export function wrongUsage(error: CommanderError): LarderError {
  const [message = "", guess] = error.message.replace(/^error: /, "").split("\n");
  const meant = guess === undefined ? undefined : /\(Did you mean (?:one of )?(.*)\?\)/.exec(guess)?.[1];
  return new LarderError("USAGE", {
    what: message.charAt(0).toUpperCase() + message.slice(1).replace(/\.$/, ""),
    remedy:
      meant === undefined
        ? "See `larder --help`, or --help after a verb"
        : `Did you mean ${meant}? --help lists what there is`,
    facts: { usage: error.code, suggestion: meant },
    cause: error,
  });
}

/** A command line without a verb. */
export function noVerb(verbs: readonly string[]): LarderError {
  return new LarderError("USAGE", {
    what: "No verb was given",
    remedy: `Use one of: ${verbs.join(", ")}; \`larder --help\` tells what they do`,
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
  for (const problem of error.problems.slice(0, SHOWN)) lines.push(`  ${problemText(problem)}`);
  if (error.problems.length > SHOWN) lines.push(`  … and ${error.problems.length - SHOWN} more`);
  lines.push(`${paint.cyan("remedy")}: ${error.remedy}.`);
  if (debug) lines.push(String(error.stack), ...(error.cause instanceof Error ? [String(error.cause.stack)] : []));
  return `${lines.join("\n")}\n`;
}

/** One problem on one line: place, field, what, remedy. */
export function problemText({ place, field, what, remedy }: Problem): string {
  return `${[place, field, what].filter((part) => part !== "").join(": ")}. ${remedy}.`;
}
