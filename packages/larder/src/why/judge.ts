import { viewOfSource } from "./order.ts";
import { type Case, neverWritten, RULES } from "./rules.ts";
import { type FeatureVerdict, VERDICTS } from "./verdict.ts";

/** Judges one feature. */
export function judge(facts: Case): FeatureVerdict {
  const seen = { ...facts, seen: viewOfSource(facts.evidence) };
  const found = VERDICTS.flatMap((verdict) => {
    const finding = verdict === "never_written" ? undefined : RULES[verdict](seen);
    return finding === undefined ? [] : [{ verdict, ...finding }];
  });
  const [first = { verdict: "never_written" as const, ...neverWritten(seen) }, ...others] = found;
  const { name } = facts.feature;
  return {
    feature: name,
    status: facts.evidence.statuses.get(name) ?? "NOT_FOUND",
    verdict: first.verdict,
    what: first.what,
    remedy: first.remedy,
    commands: first.commands ?? [],
    also: others.map(({ verdict, what }) => ({ verdict, what })),
  };
}
