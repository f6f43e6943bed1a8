import { stringifyJson } from "@larder/schema";

/** Columns aligned by spaces, a header first; numbers to the right. Empty rows give the header alone. */
export function renderTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [columns, ...rows.map((row) => row.map(cellText))];
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => (row[at] ?? "").length)));
  const right = columns.map((_, at) => rows.length > 0 && rows.every((row) => isNumeric(row[at])));
  const lines = cells.map((row) =>
    row
      .map((text, at) => (right[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** How one value is shown: text as it is, lists and bytes as JSON, null as `null`; control characters escaped. */
function cellText(value: unknown): string {
  if (typeof value === "string") return escapeControls(value);
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  return escapeControls(stringifyJson(value));
}

function isNumeric(value: unknown): boolean {
  return typeof value === "number" || typeof value === "bigint";
}

/** Stored text must not move the reader's cursor. */
export function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
