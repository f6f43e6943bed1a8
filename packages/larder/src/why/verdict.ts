import type { StatusName } from "@larder/store-core";

/**
 * Every reason, in the order in which they are looked for: the first that holds is the verdict, the others are listed with it. First a stored row that
 * nobody can read; then what keeps rows away, and what the source has and the store has not, since bringing it would change the answer; then what the
 * stored row itself says; last where there is no row at all, of which `never_written` is what is left when nothing else holds.
 */
export const VERDICTS = [
  "undecodable",
  "dated_ahead",
  "refused",
  "erased",
  "over_quota",
  "not_materialized",
  "tombstoned",
  "expired",
  "other_schema",
  "absent",
  "null",
  "beaten",
  "present",
  "another_tenant",
  "never_written",
] as const;

/** Why a read of a feature answers what it answers. */
export type Verdict = (typeof VERDICTS)[number];

/** The verdict on one feature. */
export interface FeatureVerdict {
  readonly feature: string;
  /** What a read answers. */
  readonly status: StatusName;
  readonly verdict: Verdict;
  /** The facts, with times. */
  readonly what: string;
  /** What can be done about it; empty where nothing is wrong. */
  readonly remedy: string;
  /** Command lines of the remedy, for a POSIX shell, in order; empty where somebody has to write or correct something first. */
  readonly commands: readonly string[];
  /** What holds as well, in the order of {@link VERDICTS}. */
  readonly also: readonly { readonly verdict: Verdict; readonly what: string }[];
}
