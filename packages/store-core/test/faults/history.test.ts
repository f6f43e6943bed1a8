import { expect, test } from "vitest";
import { History } from "./history.ts";

/** Versions that are rows, and a tombstone. */
const [OLD, NEW, GONE] = [702, 703, 707];

interface Step {
  readonly wrote?: number;
  readonly read?: number | undefined;
  readonly from?: "store" | "last_known_good";
  readonly at: number;
  readonly readAt?: number;
}

/** Judges the history of one row: these versions are tried at 0, and `left` is there in the end. */
function judge(steps: readonly Step[], left: number | undefined, tried = [OLD, NEW]) {
  const history = new History();
  for (const version of tried) history.tried("a", version, 0);
  for (const { wrote: version, from: source = "store", at, readAt = at - 1, ...rest } of steps) {
    if (version !== undefined) history.wrote({ owner: "a", version, outcome: "applied", sentAt: at - 1, at });
    else history.read({ owner: "a", version: rest.read, source, readAt, endedAt: at });
  }
  return history.judge(new Map([["a", left]]));
}

test.each([
  ["an acknowledged row is gone", [{ wrote: OLD, at: 10 }], undefined, "is lost"],
  [
    "an older row is left",
    [
      { wrote: OLD, at: 10 },
      { wrote: NEW, at: 20 },
    ],
    OLD,
    "is lost",
  ],
  [
    "a read goes back behind an acknowledged write",
    [
      { wrote: NEW, at: 10 },
      { read: OLD, at: 20 },
    ],
    NEW,
    "known before",
  ],
  [
    "a read goes back behind a read",
    [
      { read: NEW, at: 10 },
      { read: OLD, at: 20 },
    ],
    NEW,
    "known before",
  ],
  [
    "a read finds nothing where a row was",
    [
      { wrote: OLD, at: 10 },
      { read: undefined, at: 20 },
    ],
    NEW,
    "known before",
  ],
  [
    "memory answers what was old when it was read",
    [
      { wrote: NEW, at: 10 },
      { read: OLD, at: 30, readAt: 20, from: "last_known_good" },
    ],
    NEW,
    "known before",
  ],
  ["a row that nobody wrote", [{ read: 699, at: 10 }], NEW, "nobody wrote"],
  [
    "a row is applied twice",
    [
      { wrote: NEW, at: 10 },
      { wrote: NEW, at: 20 },
    ],
    NEW,
    "applied twice",
  ],
  [
    "an older row is applied over a newer",
    [
      { wrote: NEW, at: 10 },
      { wrote: OLD, at: 20 },
    ],
    NEW,
    "was applied, though",
  ],
] as const)("%s: broken", (_name, steps, left, word) => {
  expect(judge(steps as readonly Step[], left).broken.join()).toContain(word);
});

test.each([
  [
    "nothing, by a tombstone that is newer",
    [
      { wrote: NEW, at: 10 },
      { read: undefined, at: 20 },
    ],
    undefined,
  ],
  [
    "what was under way may be read or not",
    [
      { wrote: NEW, at: 20 },
      { read: OLD, at: 21, readAt: 15 },
    ],
    NEW,
  ],
  [
    "memory answers what was newest when it was read",
    [
      { wrote: OLD, at: 10 },
      { wrote: NEW, at: 20 },
      { read: OLD, at: 30, readAt: 15, from: "last_known_good" },
    ],
    NEW,
  ],
] as const)("%s: fine", (_name, steps, left) => {
  expect(judge(steps as readonly Step[], left, [OLD, NEW, GONE]).broken).toEqual([]);
});

test("what is lost is counted in times of doubt, and broken outside of them", () => {
  const history = new History();
  for (const owner of ["a", "b"]) {
    history.tried(owner, OLD, 0);
    history.wrote({ owner, version: OLD, outcome: "applied", sentAt: 9, at: owner === "a" ? 10 : 20 });
  }
  history.doubt({ from: 15, until: 25, concerns: () => true });
  const verdict = history.judge(new Map());
  expect(verdict).toMatchObject({ acknowledged: 2, inDoubt: 1, lost: 1 });
  expect(verdict.broken).toEqual([expect.stringContaining("a 702")]);
});
