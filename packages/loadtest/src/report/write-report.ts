import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "../outcome.ts";
import { htmlOf } from "./html.ts";
import { markdownOf } from "./markdown.ts";

/** What is written down of a load test. */
export interface Report {
  /** Of the files, without ending. */
  readonly name: string;
  readonly title: string;
  readonly machine: string;
  readonly command: string;
  readonly outcomes: readonly Outcome[];
}

/** Writes `<name>.json`, `.md` and `.html` into `folder`, and answers the path of the last. */
export function writeReport(report: Report, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const path = (ending: string) => join(folder, `${report.name}.${ending}`);
  writeFileSync(path("json"), `${JSON.stringify(figuresOf(report), undefined, 2)}\n`);
  writeFileSync(path("md"), markdownOf(report));
  writeFileSync(path("html"), htmlOf(report));
  return path("html");
}

function figuresOf({ outcomes, ...head }: Report): object {
  return {
    ...head,
    outcomes: outcomes.map(({ runs, ...outcome }) => ({
      ...outcome,
      runs: runs.map(({ timeline, ...run }) => ({ ...run, seconds: timeline.seconds() })),
    })),
  };
}
