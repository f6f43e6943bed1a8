import type { Severity } from "./finding.ts";

/*
 * How strong an association must be, and on how much evidence. Evidence is counted in runs: consecutive labels of one entity that are equal count
 * once, so that ten machines with a thousand equal labels each are ten observations. An `error` wants 50 runs outside the most frequent class, and
 * an association that a strong but honest feature (AUC 0.97) would hardly reach by chance; below that it is a warning.
 */

/** Runs outside the most frequent class from which on an association may be an error, and a warning. */
const ENOUGH = 50;
const SOME = 5;
/** Chance under independence, over which a perfect association is no news: 1 in 100,000. */
const RARE = Math.log(1e-5);

/**
 * Standard error of the area under the ROC curve, for `n1` rows of a class and `n0` others. Hanley and McNeil, "The meaning and use of the area
 * under a receiver operating characteristic curve", Radiology 143 (1982).
 */
export function aucError(auc: number, n1: number, n0: number): number {
  const q1 = auc / (2 - auc);
  const q2 = (2 * auc * auc) / (1 + auc);
  return Math.sqrt((auc * (1 - auc) + (n1 - 1) * (q1 - auc * auc) + (n0 - 1) * (q2 - auc * auc)) / (n1 * n0));
}

/** Judges the AUC (of either direction) of a number for one class against the others; counts are runs. */
export function judgeAuc(auc: number, inClass: number, others: number): Severity | undefined {
  const [a, least] = [Math.max(auc, 1 - auc), Math.min(inClass, others)];
  if (least < SOME) return undefined;
  const perfect = a === 1;
  if (perfect && -logChoose(inClass + others, least) > RARE) return undefined;
  const surely = Math.max(0.99, 0.97 + 3.3 * aucError(0.97, inClass, others));
  if (least >= ENOUGH && (perfect || a >= surely)) return "error";
  return a >= Math.min(1, Math.max(0.95, 0.9 + 2 * aucError(0.9, inClass, others))) ? "warning" : undefined;
}

/** What values of a feature tell of labels, on entities that the telling was not learned from. */
export interface HeldOut {
  /** Rows outside the most frequent class, and the runs among them. */
  readonly minority: number;
  readonly evidence: number;
  /** Rows whose label was guessed wrong. */
  readonly errors: number;
  /** Rows guessed to be outside the most frequent class, and those of them guessed right. */
  readonly guessed: number;
  readonly hits: number;
}

/**
 * Goodman and Kruskal's lambda, the share of errors that knowing the feature saves ("Measures of association for cross classifications", JASA 49,
 * 1954), measured on held-out entities, so that identifiers and other values that occur once tell nothing.
 */
export function lambdaOf({ minority, errors }: HeldOut): number {
  return minority === 0 ? 0 : 1 - errors / minority;
}

/** Judges lambda, or, where the feature tells only a part of a class, how pure that part is. */
export function judgeHeldOut(held: HeldOut): Severity | undefined {
  const lambda = lambdaOf(held);
  if (held.evidence >= ENOUGH && lambda >= 0.98) return "error";
  if (held.evidence >= SOME && lambda >= 0.9) return "warning";
  const pure = held.hits / held.guessed >= 0.98 && held.guessed >= 0.2 * held.minority;
  return held.guessed >= 30 && held.evidence >= 30 && pure ? "warning" : undefined;
}

/** Counts of a feature whose values and labels are paired one to one. */
export interface Pairing {
  /** Rows; runs outside the most frequent pair. */
  readonly rows: number;
  readonly evidence: number;
  /** Sum of ln(c!) over the pairs' counts, and of ln(k!) over how many pairs have the same count. */
  readonly logCounts: number;
  readonly logRepeats: number;
}

/**
 * Judges a pairing: of all ways to lay the labels over the values, the share that pairs them is prod(c!) prod(k!) / n!, by counting permutations of a
 * multiset. For values that occur once each it is 1: nothing can be said.
 */
export function judgePairing({ rows, evidence, logCounts, logRepeats }: Pairing): Severity | undefined {
  if (evidence < SOME || logCounts + logRepeats - logGamma(rows + 1) > RARE) return undefined;
  return evidence >= ENOUGH ? "error" : "warning";
}

/** What a number tells of a label that is a number. */
export interface Correlation {
  /** Runs of labels. */
  readonly evidence: number;
  /** Pearson's r, and Spearman's: that of the ranks. */
  readonly pearson: number;
  readonly spearman: number;
}

/**
 * Judges a correlation. The same number in another unit has |r| = 1 but for rounding (float32 included), a monotone function of it has all ranks
 * equal. Other warnings want a lower bound of 0.95 (two standard errors of Fisher's z, 1/sqrt(n - 3)): lagged values of a label may honestly come near it.
 */
export function judgeCorrelation({ evidence, pearson, spearman }: Correlation): "identity" | "strong" | undefined {
  if (evidence < 20) return undefined;
  if (Math.abs(pearson) >= 1 - 1e-9 || (evidence >= 200 && Math.abs(spearman) >= 1 - 1e-12)) return "identity";
  const r = Math.max(Math.abs(pearson), Math.abs(spearman));
  const bound = Math.tanh(Math.atanh(Math.min(r, 1 - 1e-12)) - 2 / Math.sqrt(evidence - 3));
  return r >= 0.98 && bound >= 0.95 ? "strong" : undefined;
}

/** Whether an identity with a number rests on enough rows to be an error. */
export function isEnough(evidence: number): boolean {
  return evidence >= ENOUGH;
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}

/** ln of the gamma function for x >= 1, by Stirling's series after a shift; exact to 1e-10. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  for (; y < 10; y++) shift += Math.log(y);
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * y) - 1 / (360 * y ** 3) - shift;
}
