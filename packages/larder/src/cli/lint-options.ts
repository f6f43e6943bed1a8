import { LarderError } from "@larder/schema";
import type { Command } from "commander";
import type { LintSelection } from "../training-set.ts";

/** What {@link lintOptions} add to a verb. */
export interface LintFlags {
  readonly lint?: true;
  readonly label?: string;
  readonly splitColumn?: string;
  readonly failOn?: string;
}

/** `--lint` and what it is told. */
export function lintOptions(command: Command): Command {
  return command
    .option("--lint", "look for leaks and other usual mistakes")
    .option("--label <column>", "with --lint: the column of the entity rows with the label")
    .option("--split-column <column>", "with --lint: the column that says train, or another word for rows held out")
    .option("--fail-on <severity>", "with --lint: error or warning; exit 1, and write nothing, if there is one");
}

/** What the linter is told; undefined without `--lint`. @throws INVALID_REQUEST for its options without it */
export function lintSelection({ lint, label, splitColumn, failOn }: LintFlags): LintSelection | undefined {
  if (lint === true) return { label, splitColumn, failOn };
  const given = { "--label": label, "--split-column": splitColumn, "--fail-on": failOn };
  const [flag] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (flag === undefined) return undefined;
  throw new LarderError("INVALID_REQUEST", {
    what: `${flag} is given without --lint`,
    remedy: "Add --lint, or leave it out",
    facts: { field: flag.slice(2).replace("-", "_") },
  });
}
