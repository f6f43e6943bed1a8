import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The value that a share of the values is at most. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Prints a Markdown table whose first column is text. Numbers are rounded to three digits or, from a thousand on, to whole ones. */
export function printTable(head: readonly string[], lines: readonly (readonly (string | number)[])[]): void {
  const print = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);
  print(head);
  print(head.map((_, column) => (column === 0 ? "---" : "---:")));
  for (const line of lines) print(line.map((cell) => (typeof cell === "number" ? short(cell) : cell)));
  console.log("");
}

/** One thing that a bench is to show. */
export interface Goal {
  readonly goal: string;
  readonly measured: number;
  readonly wanted: string;
  readonly met: boolean;
}

/** Prints the goals and says which were missed: the process then ends with 99, as k6 does when a threshold is crossed. */
export function judge(goals: readonly Goal[]): void {
  printTable(
    ["goal", "measured", "wanted"],
    goals.map(({ goal, measured, wanted }) => [goal, measured, wanted]),
  );
  for (const { goal, met } of goals) if (!met) console.error(`Missed: ${goal}`);
  if (goals.some(({ met }) => !met)) process.exitCode = 99;
}

/** Writes what was measured to `reports/<name>.json` of the package whose folder of benches is given. */
export function writeReport(benches: string, name: string, report: object): void {
  const reports = join(benches, "..", "reports");
  mkdirSync(reports, { recursive: true });
  writeFileSync(join(reports, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
}

function short(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
