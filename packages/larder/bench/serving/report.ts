import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The value that a share of the values is at most. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
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

/** Writes what was measured to reports/serving.json of this package. */
export function writeReport(report: object): void {
  const reports = join(import.meta.dirname, "..", "..", "reports");
  mkdirSync(reports, { recursive: true });
  writeFileSync(join(reports, "serving.json"), `${JSON.stringify(report, undefined, 2)}\n`);
}

function short(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
