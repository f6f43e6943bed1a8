import { expect, test } from "vitest";
import { aucError, judgeAuc, judgeCorrelation, judgeHeldOut, judgePairing } from "../../src/lint/evidence.ts";

test("the standard error of an AUC of one half is that of Mann and Whitney's U without ties, (m + n + 1) / 12mn", () => {
  expect(aucError(0.5, 40, 40)).toBeCloseTo(Math.sqrt(81 / (12 * 40 * 40)), 12);
  expect(aucError(0.5, 51, 58)).toBeCloseTo(Math.sqrt(110 / (12 * 51 * 58)), 12);
  expect(aucError(1, 10, 10)).toBe(0);
  expect(aucError(0.9, 1, 1)).toBeCloseTo(0.3, 12);
});

test.each([
  [1, 50, 50, "error"],
  [0, 50, 5000, "error"],
  [1, 49, 500, "warning"],
  [1, 5, 10, undefined],
  [1, 5, 45, "warning"],
  [1, 5, 500, "warning"],
  [1, 4, 5000, undefined],
  [0.9, 5000, 5000, undefined],
  [0.96, 500, 500, "warning"],
  [0.985, 5000, 5000, "warning"],
  [0.995, 500, 500, "error"],
  [0.995, 50, 50, "warning"],
  [0.95, 20, 30, undefined],
] as const)("an AUC of %d of %d runs against %d is %s", (auc, inClass, others, severity) => {
  expect(judgeAuc(auc, inClass, others)).toBe(severity);
});

test("what is learned on other entities must save nearly all errors, or be pure for a good part", () => {
  const all = { minority: 100, evidence: 100, errors: 0, guessed: 100, hits: 100 };
  expect(judgeHeldOut(all)).toBe("error");
  expect(judgeHeldOut({ ...all, errors: 5 })).toBe("warning");
  expect(judgeHeldOut({ ...all, errors: 20, guessed: 100, hits: 90 })).toBeUndefined();
  expect(judgeHeldOut({ ...all, evidence: 20 })).toBe("warning");
  expect(judgeHeldOut({ ...all, errors: 70, guessed: 30, hits: 30 })).toBe("warning");
  expect(judgeHeldOut({ ...all, errors: 90, guessed: 10, hits: 10 })).toBeUndefined();
  expect(judgeHeldOut({ minority: 0, evidence: 0, errors: 0, guessed: 0, hits: 0 })).toBeUndefined();
});

test("a pairing of values that occur once says nothing, one of few values much", () => {
  const log = (n: number): number => (n < 2 ? 0 : Math.log(n) + log(n - 1));
  const pairing = (a: number, b: number) => ({
    rows: a + b,
    evidence: Math.min(a, b),
    logCounts: log(a) + log(b),
    logRepeats: a === b ? log(2) : 0,
  });
  expect(judgePairing(pairing(100, 100))).toBe("error");
  expect(judgePairing(pairing(10, 40))).toBe("warning");
  expect(judgePairing(pairing(5, 6))).toBeUndefined();
  expect(judgePairing({ rows: 500, evidence: 499, logCounts: 0, logRepeats: log(500) })).toBeUndefined();
});

test("a quantity is the label only where it is exact; near it is a warning, on enough rows", () => {
  const of = (evidence: number, pearson: number, spearman = pearson) =>
    judgeCorrelation({ evidence, pearson, spearman });
  expect(of(20, -1)).toBe("identity");
  expect(of(19, 1)).toBeUndefined();
  expect(of(199, 0.7, 1)).toBe("strong");
  expect(of(200, 0.7, 1)).toBe("identity");
  expect(of(1000, 0.99)).toBe("strong");
  expect(of(20, 0.98)).toBeUndefined();
  expect(of(100_000, 0.97)).toBeUndefined();
});
