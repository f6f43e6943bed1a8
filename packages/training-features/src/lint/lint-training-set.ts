import { type Clock, LarderError } from "@larder/schema";
import type { OfflineEngine } from "../offline/offline-engine.ts";
import { StatementRunner } from "../offline/statement-runner.ts";
import type { ViewResult } from "../point-in-time/run-join.ts";
import type { EntityRows } from "../training-set/entity-rows.ts";
import { type MadeSplit, SPLIT_COLUMN } from "../training-set/split.ts";
import { type FoundFact, finding, isAtLeast, type LintFinding, sortFindings } from "./finding.ts";
import { checkLabel } from "./label-checks.ts";
import type { LintContext } from "./lint-context.ts";
import { makeLintRows } from "./lint-rows.ts";
import { checkDuplicates, checkFuture, checkOneClass } from "./row-checks.ts";
import { checkSharedRows, checkSplit } from "./split-checks.ts";
import { checkCreated, checkNulls, checkSameTime, checkTtl } from "./view-checks.ts";
import { checkArrivalZone, checkEntityZone } from "./zone-checks.ts";

/** What the linter is told about a training set. */
export interface LintRequest {
  /** Column of the entity rows with the label; without it nothing about labels is checked. */
  readonly label?: string | undefined;
  /** Column that says `train` (or `training`) in the rows to train on, and another word in those held out. */
  readonly splitColumn?: string | undefined;
  /** Fails with LEAK_FOUND, and writes nothing, if a finding is at least this grave. Default: never. */
  readonly failOn?: "error" | "warning" | undefined;
  readonly clock: Clock;
}

/** What {@link lintTrainingSet} works on: the tables `entity_rows`, `joined_<i>` and `found_<i>` of a join that has run. */
export interface LintInput {
  readonly engine: OfflineEngine;
  readonly request: LintRequest;
  /** The split that the training set gets, in place of one that a column says. */
  readonly split: Pick<MadeSplit, "sql"> | undefined;
  readonly entities: EntityRows;
  readonly views: readonly ViewResult[];
  readonly signal: AbortSignal | undefined;
  /** Share of the checks that are done, 0 to 1. */
  readonly onProgress: (fraction: number) => void;
}

const ROW_CHECKS: readonly ((context: LintContext) => Promise<FoundFact[]>)[] = [
  checkFuture,
  checkDuplicates,
  checkOneClass,
  checkSplit,
  checkLabel,
];

const VIEW_CHECKS: readonly ((context: LintContext, view: ViewResult, index: number) => Promise<FoundFact[]>)[] = [
  checkCreated,
  checkSameTime,
  checkNulls,
  checkTtl,
  checkArrivalZone,
  checkEntityZone,
  checkSharedRows,
];

/**
 * Looks for leaks and other usual mistakes in a training set, after its join and before it is written. Everything is computed by the engine, which spills
 * what exceeds its memory. The same inputs give the same findings, but for entity times in the future, which come to pass.
 *
 * @throws INVALID_REQUEST, ABORTED, SOURCE_UNREADABLE, OFFLINE_FAILED
 */
export async function lintTrainingSet(input: LintInput): Promise<LintFinding[]> {
  const { engine, request, split, entities, views, signal, onProgress } = input;
  const splitColumn = split === undefined ? request.splitColumn : SPLIT_COLUMN;
  const runner = new StatementRunner(engine, { kind: "plan" }, { signal });
  const context: LintContext = {
    runner,
    entities,
    views,
    label: await makeLintRows(runner, entities, { label: request.label, splitColumn }, split?.sql),
    splitColumn,
    now: request.clock.now(),
    sourceRunner: ({ table }) => new StatementRunner(engine, table.subject, { signal }),
  };
  const checks = [
    ...ROW_CHECKS.map((check) => () => check(context)),
    ...views.flatMap((view, i) => VIEW_CHECKS.map((check) => () => check(context, view, i))),
  ];
  const facts: FoundFact[] = [];
  for (const [done, check] of checks.entries()) {
    facts.push(...(await check()));
    onProgress((done + 1) / checks.length);
  }
  return sortFindings(facts.map(finding));
}

/** @throws LEAK_FOUND with every finding that is at least as grave as asked */
export function refuseLeaks(findings: readonly LintFinding[], { failOn }: LintRequest): void {
  if (failOn === undefined) return;
  const grave = findings.filter((each) => isAtLeast(each, failOn));
  if (grave.length === 0) return;
  throw new LarderError("LEAK_FOUND", {
    what: `The linter found ${grave.length} ${grave.length === 1 ? "thing" : "things"} of severity ${failOn === "error" ? "error" : "warning or error"} in the training set, which was not written`,
    remedy: "Do what each finding says, or build without failing on findings to see them beside the set",
    facts: { codes: [...new Set(grave.map(({ code }) => code))] },
    problems: grave.map(({ code, view, feature, what, remedy, example }) => ({
      place: [code, ...(example === null ? [] : [`entity row ${example.row}`])].join(", "),
      field: feature ?? view ?? "",
      what,
      remedy,
    })),
  });
}
