import type { Letter } from "./letter.ts";
import { LetterBox, type LetterParts, type LetterRequest } from "./letter-box.ts";

/** Letters that have their topic, code and view in common. */
export interface LetterGroup {
  /** The dead-letter topic. */
  readonly topic: string;
  /** Where they came from; undefined for records that are no dead letters. */
  readonly source: string | undefined;
  readonly code: string | undefined;
  readonly view: string | undefined;
  readonly count: number;
  /** When the first and the last were refused, in microseconds of the epoch. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** The most often that one of them was refused. */
  readonly attempts: number;
}

/** What is in the dead letters. */
export interface LetterList {
  readonly count: number;
  /** In the order in which each was met first. */
  readonly groups: readonly LetterGroup[];
  /** The first letters themselves, as many as were asked for. */
  readonly letters: readonly Letter[];
}

/** Counts the letters that the filter means. Reads all of them, and changes nothing. @throws see {@link LetterBox} */
export async function listLetters(parts: LetterParts, request: LetterRequest, limit: number): Promise<LetterList> {
  const box = new LetterBox(parts, request);
  const groups = new Map<string, LetterGroup>();
  const letters: Letter[] = [];
  let count = 0;
  await box.read("reader", async (batch) => {
    for (const { letter, matches } of batch.letters) {
      if (!matches) continue;
      count++;
      if (letters.length < limit) letters.push(letter);
      const { at, reason } = letter;
      const key = JSON.stringify([at.topic, reason?.source.topic, reason?.code, reason?.view]);
      groups.set(key, joined(groups.get(key), letter));
    }
    return "more";
  });
  return { count, groups: [...groups.values()], letters };
}

function joined(group: LetterGroup | undefined, { at, reason }: Letter): LetterGroup {
  const time = reason === undefined ? undefined : reason.refusedAt * 1_000;
  const times = [group?.first, group?.last, time].filter((each) => each !== undefined);
  return {
    topic: at.topic,
    source: reason?.source.topic,
    code: reason?.code,
    view: reason?.view,
    count: (group?.count ?? 0) + 1,
    first: times.length === 0 ? undefined : Math.min(...times),
    last: times.length === 0 ? undefined : Math.max(...times),
    attempts: Math.max(group?.attempts ?? 0, reason?.attempt ?? 0),
  };
}
