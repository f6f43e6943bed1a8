import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { join } from "node:path";
import { version } from "@duckdb/node-api";

/** Machine, its load and versions, in a line. */
export function machineLine(): string {
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(", ");
  return `${cpus().length} x ${cpus()[0]?.model ?? "CPU"}, load averages ${load}; Linux ${release()}, Node ${process.version}, DuckDB ${version()}`;
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

/** Writes what was measured to reports/<name>.json of this package. */
export function writeReport(name: string, report: object): void {
  const reports = join(import.meta.dirname, "..", "..", "reports");
  mkdirSync(reports, { recursive: true });
  writeFileSync(join(reports, `${name}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
}

function short(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
