import type { LintFinding } from "@larder/training-features";
import type { Paint } from "../terminal.ts";
import { escapeControls, renderTable } from "./table.ts";

/** Findings as a table, then what each says, why it matters, a row that shows it and what to do. */
export function lintReport(findings: readonly LintFinding[], paint: Paint): string {
  if (findings.length === 0) return "lint: nothing found\n";
  const rows = findings.map(({ severity, code, view, feature, rows, example }) => [
    severity,
    code,
    [view, feature].filter((part) => part !== null).join(":") || "entity rows",
    rows,
    example === null ? "-" : String(example.row),
  ]);
  const table = renderTable(["severity", "finding", "in", "rows", "example row"], rows);
  return `\n${table}${findings.map((each) => detail(each, paint)).join("")}`;
}

function detail({ code, what, why, remedy, example }: LintFinding, paint: Paint): string {
  const values = Object.entries(example?.values ?? {}).map(([name, value]) => `${name} ${value}`);
  const shown = example === null ? "" : `  row ${example.row}: ${escapeControls(values.join(", "))}\n`;
  return `\n${paint.bold(code)}: ${escapeControls(what)}.\n  ${why}.\n${shown}  ${paint.cyan("remedy")}: ${remedy}.\n`;
}
