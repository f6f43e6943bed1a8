import type { LetterFilter } from "@larder/materializer/stream";
import { LarderError } from "@larder/schema";
import type { Command } from "commander";
import { timeArgument } from "./time-argument.ts";
import { collect } from "./verb.ts";

/** Options that say which dead letters are meant. */
export interface LetterOptions {
  readonly topic?: string;
  readonly view?: string;
  readonly code?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly tenant?: string;
  readonly partition?: string;
  readonly offset?: string;
}

/** The options themselves; `--tenant` is the verb's own. */
export function withLetterOptions(command: Command): Command {
  return command
    .option("--topic <name>", "only of this source topic")
    .option("--view <name>", "only what this view refused")
    .option("--code <code>", "only of this reason; may be repeated", collect)
    .option("--since <time>", "only refused at or after this time (ISO 8601)")
    .option("--until <time>", "only refused before this time")
    .option("--partition <number>", "only of this partition of the dead-letter topic")
    .option("--offset <number>", "only the letter at this offset of the partition");
}

/** What they say. @throws USAGE naming the option */
export function letterFilter(options: LetterOptions): LetterFilter {
  const { topic, view, code: codes, since, until, tenant, partition, offset } = options;
  return {
    topic,
    view,
    codes,
    tenant,
    since: since === undefined ? undefined : timeArgument("--since", since),
    until: until === undefined ? undefined : timeArgument("--until", until),
    partition: partition === undefined ? undefined : Number(wholeOption("--partition", partition)),
    offset: offset === undefined ? undefined : wholeOption("--offset", offset),
  };
}

/** A whole number, `least` or greater. @throws USAGE naming the option */
export function wholeOption(name: string, text: string, least = 0n): bigint {
  if (/^\d{1,15}$/.test(text) && BigInt(text) >= least) return BigInt(text);
  throw new LarderError("USAGE", {
    what: `${name} ${text} is no whole number of at least ${least}`,
    remedy: `Write it as digits`,
    facts: { field: name },
  });
}

/** Events in a second, as `200/s`. @throws USAGE */
export function rateOption(name: string, text: string): number {
  return Number(wholeOption(name, text.replace(/\/s$/, ""), 1n));
}
