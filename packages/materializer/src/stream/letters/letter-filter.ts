import { createHash } from "node:crypto";
import { type Definitions, findTenant, findView, LarderError } from "@larder/schema";
import type { DecodedRecord, RecordDecoder } from "../decoded-record.ts";
import { deadLetterTopic } from "../sync/dead-letters.ts";
import { streamOf, topicsOf } from "../sync/sync-settings.ts";
import type { Letter } from "./letter.ts";

/** Which letters are meant: those that fit all that is stated. */
export interface LetterFilter {
  /** Topic that they came from. */
  readonly topic?: string | undefined;
  /** The view that refused them; where the letter does not say which, a view that reads its topic. */
  readonly view?: string | undefined;
  readonly codes?: readonly string[] | undefined;
  /** Refused at or after this, and before that; microseconds of the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Whose row was refused; where the letter does not say, whose rows the record brings by the present definitions. */
  readonly tenant?: string | undefined;
  /** Where the letters are, in the dead-letter topic. */
  readonly partition?: number | undefined;
  readonly offset?: bigint | undefined;
}

/** A filter, checked against definitions. */
export interface CompiledFilter {
  /** Topics of dead letters that hold what is meant. */
  readonly topics: readonly string[];
  /** Topics that they came from. */
  readonly sources: readonly string[];
  /** Names the filter, the same for the same words: letters that were replayed are remembered under it. */
  readonly name: string;
  matches(letter: Letter): boolean | Promise<boolean>;
}

/** @throws UNKNOWN_VIEW, UNKNOWN_TENANT; USAGE for a topic that no view reads, for an offset without its partition */
export function compileFilter(
  definitions: Definitions,
  filter: LetterFilter,
  decodeNow: (letter: Letter) => DecodedRecord | Promise<DecodedRecord>,
): CompiledFilter {
  const { topic, view, codes, since, until, tenant, partition, offset } = filter;
  const pattern = streamOf(definitions).poison.topic;
  const read = topicsOf(definitions);
  if (topic !== undefined && !read.includes(topic)) {
    throw usage(`No view reads the topic ${topic}`, `Name one of ${read.join(", ")}`, "--topic");
  }
  if (offset !== undefined && partition === undefined) {
    throw usage("An offset is of one partition", "Name the partition as well", "--offset");
  }
  if (tenant !== undefined) findTenant(definitions, tenant);
  const ofView = view === undefined ? undefined : (findView(definitions, view).stream?.topics ?? []);
  const sources = read.filter((each) => (topic ?? each) === each && ofView?.includes(each) !== false);
  const stated = [topic, view, codes, since, until, tenant, partition, offset === undefined ? undefined : `${offset}`];
  const isMeant = ({ at, reason }: Letter): boolean => {
    if (partition !== undefined && at.partition !== partition) return false;
    if (offset !== undefined && at.offset !== offset) return false;
    if (reason === undefined) return [topic, view, codes, since, until, tenant].every((each) => each === undefined);
    const { code, source, refusedAt } = reason;
    if (topic !== undefined && source.topic !== topic) return false;
    if (view !== undefined && (reason.view ?? view) !== view) return false;
    if (ofView?.includes(source.topic) === false) return false;
    if (codes !== undefined && !codes.includes(code)) return false;
    if (since !== undefined && refusedAt * 1_000 < since) return false;
    return until === undefined || refusedAt * 1_000 < until;
  };
  return {
    topics: [...new Set(sources.map((each) => deadLetterTopic(pattern, each)))],
    sources,
    name: createHash("sha256")
      .update(JSON.stringify([read.toSorted(), stated.map((each) => each ?? null)]))
      .digest("hex")
      .slice(0, 12),
    matches: (letter) => {
      if (!isMeant(letter)) return false;
      if (tenant === undefined) return true;
      if (letter.reason?.tenant !== undefined) return letter.reason.tenant === tenant;
      const isTheirs = (decoded: DecodedRecord) => decoded.ok && decoded.rows.some((row) => row.tenant === tenant);
      const decoded = decodeNow(letter);
      return decoded instanceof Promise ? decoded.then(isTheirs) : isTheirs(decoded);
    },
  };
}

/** Decodes a letter as the record that it was, by the present definitions. One whose topic no view reads any more, or whose value is left out, is refused. */
export function decoderOfLetters(
  definitions: Definitions,
  decoder: RecordDecoder,
  now: () => number,
): (letter: Letter) => DecodedRecord | Promise<DecodedRecord> {
  const read = new Set(topicsOf(definitions));
  return ({ record, reason }) => {
    if (reason === undefined || reason.valueBytes !== undefined || !read.has(reason.source.topic)) {
      const message = "The record is not whole, or no view reads its topic. It cannot be sent back.";
      return { ok: false, refused: { code: "RECORD_INVALID", field: "", message } };
    }
    return decoder.decode(reason.source, { ...record, timestamp: reason.timestamp }, now());
  };
}

function usage(what: string, remedy: string, field: string): LarderError {
  return new LarderError("USAGE", { what, remedy, facts: { field } });
}
