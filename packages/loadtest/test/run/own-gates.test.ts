import { expect, test } from "vitest";
import { EVENT_GATES, MEMORY_GATE, withEvents, withMemory } from "../../src/run/own-gates.ts";
import type { K6Run } from "../../src/run/run-k6.ts";
import { createTimeline } from "../../src/run/timeline.ts";
import { judge, missedLines } from "../../src/run/verdict.ts";

const MIB = 2 ** 20;

/** A run in which the server took so many bytes each second. */
function runOf(server: readonly number[]): K6Run {
  const usage = server.map((bytes, second) => ({ second, cpu: {}, memory: { server: bytes }, eventLoopMs: undefined }));
  return { exitCode: 0, metrics: {}, timeline: createTimeline(), usage };
}

const missedOf = (run: K6Run) => missedLines(judge([MEMORY_GATE], [run]));

test("a server that takes memory once, and then no more, keeps its gate", () => {
  const warmingUp = Array.from({ length: 100 }, (_, second) => (100 + Math.min(second, 20) * 10) * MIB);
  expect(missedOf(withMemory(runOf(warmingUp)))).toEqual([]);
});

test("a server that leaks misses it, one reading that is off does not", () => {
  const leaking = Array.from({ length: 100 }, (_, second) => (100 + second) * MIB);
  expect(missedOf(withMemory(runOf(leaking)))).toEqual([
    expect.stringMatching(/^MISSED server: memory, .*: 1\.\d+ > 1\.2$/),
  ]);
  const once = Array.from({ length: 100 }, (_, second) => (second === 95 ? 900 : 100) * MIB);
  expect(missedOf(withMemory(runOf(once)))).toEqual([]);
});

test("a memory of which too little was seen is a gate missed", () => {
  expect(missedOf(withMemory(runOf([MIB, MIB])))).toEqual([expect.stringMatching(/nothing was measured$/)]);
});

test("events that are all committed keep their gates", () => {
  const report = { appended: 1_000, perSecond: 100, committedShare: 1, deadLetters: 0 };
  expect(missedLines(judge(EVENT_GATES, [withEvents(runOf([]), report, 100)]))).toEqual([]);
});

test.each([
  [{ committedShare: 0.999 }, /^MISSED events: share committed by larder sync: 0\.999 < 1$/],
  [{ deadLetters: 1 }, /^MISSED events: dead letters: 1 > 0$/],
  [{ perSecond: 90 }, /^MISSED events: share of their rate: 0\.9 < 0\.95$/],
])("events of which %j is so miss one", (wrong, line) => {
  const report = { appended: 1_000, perSecond: 100, committedShare: 1, deadLetters: 0, ...wrong };
  expect(missedLines(judge(EVENT_GATES, [withEvents(runOf([]), report, 100)]))).toEqual([expect.stringMatching(line)]);
});
