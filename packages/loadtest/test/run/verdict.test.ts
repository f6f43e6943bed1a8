import { expect, test } from "vitest";
import type { Gate } from "../../src/run/thresholds.ts";
import { judge, missedLines } from "../../src/run/verdict.ts";

const LATENCY: Gate = {
  ...{ name: "predict.p99_ms", metric: "latency_ms{budget:predict}", statistic: "p(99)" },
  ...{ sign: "<=", limit: 50, over: "typical" },
};
const RIGHT: Gate = {
  ...{ name: "predict_1: share of right answers", metric: "checks", statistic: "rate" },
  ...{ sign: ">=", limit: 1, over: "every" },
};
const DROPPED: Gate = {
  ...{ name: "requests dropped", metric: "dropped_iterations", statistic: "count", sign: "<=", limit: 0 },
  ...{ over: "typical", mayBeAbsent: true },
};

test("one round in a busy moment decides nothing about a latency", () => {
  const [judged] = judge([LATENCY], [p99(12), p99(400), p99(14)]);
  expect(judged).toMatchObject({ value: 14, met: true, rounds: [12, 400, 14] });
});

test("the rounds in which the machine was least busy decide, whatever they say", () => {
  const rounds = [noisy(p99(90), 40), noisy(p99(20), 2), noisy(p99(95), 50), noisy(p99(30), 3)];
  expect(judge([LATENCY], rounds)).toMatchObject([{ value: 25, met: true }]);
  const slowWhenQuiet = [noisy(p99(20), 40), noisy(p99(90), 2), noisy(p99(20), 50), noisy(p99(80), 3)];
  expect(judge([LATENCY], slowWhenQuiet)).toMatchObject([{ value: 85, met: false }]);
});

test("a latency that most rounds miss is missed, with the figures in the line", () => {
  expect(missedLines(judge([LATENCY], [p99(12), p99(212.4), p99(260)]))).toEqual(["MISSED predict.p99_ms: 212 > 50"]);
});

test("a wrong answer in any round is missed", () => {
  const rounds = [1, 1, 0.999].map((rate) => ({ metrics: { checks: { rate } } }));
  expect(missedLines(judge([RIGHT], rounds))).toEqual(["MISSED predict_1: share of right answers: 0.999 < 1"]);
});

test("a gate of which nothing was measured is missed, in whichever round that was", () => {
  const lines = ["MISSED predict.p99_ms: nothing was measured"];
  expect(missedLines(judge([LATENCY], [{ metrics: {} }]))).toEqual(lines);
  expect(missedLines(judge([LATENCY], [p99(1), { metrics: {} }, p99(1)]))).toEqual(lines);
});

test("what k6 only counts when it happens counts as none where it is absent", () => {
  expect(judge([DROPPED], [{ metrics: {} }])).toMatchObject([{ value: 0, met: true }]);
});

function p99(value: number) {
  return { metrics: { "latency_ms{budget:predict}": { "p(99)": value } } };
}

/** A round in which requests for nothing took so long. */
function noisy({ metrics }: ReturnType<typeof p99>, noise: number) {
  return { metrics: { ...metrics, "latency_ms{load:livez}": { "p(99)": noise } } };
}
