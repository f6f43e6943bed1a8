/** What the linter can find, as a closed list. docs/training-sets.md describes each, and a test compares the two. */
export const LINT_CODES = [
  "FEATURE_CREATED_AFTER_LABEL",
  "FEATURE_AT_LABEL_TIME",
  "FEATURE_IS_LABEL",
  "FEATURE_PREDICTS_LABEL",
  "ENTITY_TIME_IN_FUTURE",
  "DUPLICATE_ENTITY_ROWS",
  "ENTITIES_IN_ONE_CLASS",
  "MANY_NULLS",
  "MANY_OUT_OF_TTL",
  "TTL_MISSING",
  "TIME_ZONE_MIX_UP",
  "SPLIT_SHARES_ENTITIES",
  "SPLIT_TIMES_OVERLAP",
  "SPLIT_SHARES_FEATURE_ROWS",
] as const;

/** One of the closed list of findings. */
export type LintCode = (typeof LINT_CODES)[number];

/** `error`: a leak, by what the rows say. `warning`: looks like one, or hurts a model otherwise. `info`: worth a look. */
export type Severity = "error" | "warning" | "info";

/** An entity row that shows a finding. */
export interface LintExample {
  /** Position in the entity rows, from 0. */
  readonly row: number;
  /** Its join keys and time, and the values that matter, as text. */
  readonly values: Readonly<Record<string, string>>;
}

/** One finding of the linter. */
export interface LintFinding {
  readonly code: LintCode;
  readonly severity: Severity;
  /** Name of the feature view in the request; null where the entity rows alone are meant. */
  readonly view: string | null;
  /** The feature's output column; null where the view as a whole is meant. */
  readonly feature: string | null;
  /** The fact, without a final stop. */
  readonly what: string;
  /** Why that is bad, without a final stop. */
  readonly why: string;
  /** What to do, without a final stop. */
  readonly remedy: string;
  /** Entity rows that show it. */
  readonly rows: number;
  /** The first of them; null where all rows together show it. */
  readonly example: LintExample | null;
}

/** What a check says; the code's own sentences are added by {@link finding}. */
export type FoundFact = Omit<LintFinding, "why" | "remedy">;

/** A finding with its code's explanation and remedy. */
export function finding(fact: FoundFact): LintFinding {
  const { code, severity, view, feature, what, rows, example } = fact;
  return { code, severity, view, feature, what, ...ADVICE[code], rows, example };
}

/** Whether a finding is at least as grave as `least`. */
export function isAtLeast({ severity }: Pick<LintFinding, "severity">, least: Severity): boolean {
  return GRAVITY.indexOf(severity) <= GRAVITY.indexOf(least);
}

/** Gravest first, then in the order of the codes; findings of one code keep theirs. */
export function sortFindings(findings: readonly LintFinding[]): LintFinding[] {
  return findings.toSorted(
    (a, b) =>
      GRAVITY.indexOf(a.severity) - GRAVITY.indexOf(b.severity) ||
      LINT_CODES.indexOf(a.code) - LINT_CODES.indexOf(b.code),
  );
}

const GRAVITY: readonly Severity[] = ["error", "warning", "info"];

const ADVICE: Readonly<Record<LintCode, { readonly why: string; readonly remedy: string }>> = {
  FEATURE_CREATED_AFTER_LABEL: {
    why: "A value that had not arrived by the label's time cannot be served then, so the model learns from what it will not have",
    remedy:
      'Join without `as_of: event_time`; if created times are those of a later load, say "created_means: load_time" under the view\'s source',
  },
  FEATURE_AT_LABEL_TIME: {
    why: "A value of the very moment of the label may be a trace of what the label tells",
    remedy:
      "See whether the value is known before the outcome; if not, date labels at the moment of the prediction, before the event",
  },
  FEATURE_IS_LABEL: {
    why: "Each value of the feature stands for one label and each label for one value: it is the label under another name",
    remedy: "Leave the feature out, or derive it from what is known before the outcome",
  },
  FEATURE_PREDICTS_LABEL: {
    why: "Features that are known before the outcome rarely tell it this well; those that are written after it do",
    remedy: "See when and from what the feature is computed; leave it out if that is after the outcome",
  },
  ENTITY_TIME_IN_FUTURE: {
    why: "A label of a time that has not come cannot have been observed, and every value of today counts as known for it",
    remedy: "Correct the column's unit, zone or placeholder (9999-12-31), or leave these rows out",
  },
  DUPLICATE_ENTITY_ROWS: {
    why: "Rows that repeat an entity and time weigh double, and fall on both sides of a random split",
    remedy: "Keep one row for each entity and time; where their labels differ, find out which is true",
  },
  ENTITIES_IN_ONE_CLASS: {
    why: "Where an entity has only one label, whatever tells entities apart tells the label, and a model learns to recognise them",
    remedy: "Split train and test by entity, and leave out features that identify one",
  },
  MANY_NULLS: {
    why: "A model learns little from a column without values, and may learn who lacks them",
    remedy:
      "See that the view has rows for these entities before their labels' times, with these join keys and this tenant",
  },
  MANY_OUT_OF_TTL: {
    why: "These rows find a value, but one older than the view's TTL, so they get null",
    remedy: "Lengthen the TTL if such values are of use, or find out why the view's rows come so seldom",
  },
  TTL_MISSING: {
    why: "Without TTL the last value counts for ever, also long after the entity's rows ended, when it is no longer true",
    remedy: "Give the view a ttl of some times the spacing of its rows",
  },
  TIME_ZONE_MIX_UP: {
    why: "Times that are whole hours apart are a sign of local times read as UTC: values then come hours too early or too late",
    remedy: "Write times with their zone, or in UTC; a time without zone is read as UTC",
  },
  SPLIT_SHARES_ENTITIES: {
    why: "The test then asks for entities whose later rows the model was trained on",
    remedy: "Split by entity, or by time: every test row later than every train row",
  },
  SPLIT_TIMES_OVERLAP: {
    why: "Some test rows are earlier than train rows of other entities, so the model was trained on a time that the test takes for the future",
    remedy: "Cut at one moment: every test row later than every train row",
  },
  SPLIT_SHARES_FEATURE_ROWS: {
    why: "Train and test rows that take the same values of the same entity are not independent, so the test says too much good",
    remedy: "Leave a gap between the last train row and the first test row, at least as long as values stay the same",
  },
};
