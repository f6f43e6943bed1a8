import { type FeatureRow, formatTime } from "@larder/schema";
import type { Evidence } from "./evidence.ts";

/** Whose rows the commands are about. */
export interface CommandSubject {
  readonly view: string;
  readonly tenant: string;
  readonly entity: Readonly<Record<string, unknown>>;
  /** The definitions, where commands do not find them by themselves. */
  readonly file?: string | undefined;
}

/**
 * The command that brings a row of the source into the online store. One microsecond is enough of a window, and moves no position over rows that were
 * never read; where an incremental run takes the row, that is what is missing.
 */
export function materializeCommand({ position, now }: Evidence, { eventTime }: FeatureRow, of: CommandSubject): string {
  const time = formatTime(eventTime);
  const end = position.kind === "position" ? position.position.end : Number.NEGATIVE_INFINITY;
  const incremental = position.kind !== "unavailable" && eventTime > end && eventTime <= now;
  const verb = incremental ? ["materialize-incremental", formatTime(now)] : ["materialize", time, time];
  return command([...verb, "--view", of.view, ...shared(of)]);
}

/** The command that removes the entity's row, so that nothing is left that a row would have to beat. */
export function resetCommand(of: CommandSubject): string {
  const keys = entityPairs(of.entity).flatMap((pair) => ["--entity", pair]);
  return command(["reset", "--view", of.view, ...keys, "--tenant", of.tenant, ...fileOption(of), "--yes"]);
}

/** The command that explains the same of another tenant. */
export function whyCommand(reference: string, of: CommandSubject): string {
  return command(["why", reference, ...entityPairs(of.entity), ...shared(of)]);
}

function shared(of: CommandSubject): string[] {
  return [...(of.tenant === "default" ? [] : ["--tenant", of.tenant]), ...fileOption(of)];
}

function fileOption({ file }: CommandSubject): string[] {
  return file === undefined ? [] : ["-f", file];
}

function entityPairs(entity: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(entity).map(([name, value]) => `${name}=${String(value)}`);
}

/** A line for a POSIX shell. */
function command(words: readonly string[]): string {
  return ["larder", ...words.map(quoted)].join(" ");
}

function quoted(word: string): string {
  return /^[\w.,:=@%+/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
