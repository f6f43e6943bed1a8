import type {
  FeatureChange,
  InputChange,
  Reproduction,
  RowDifferences,
  TrainingSetDiff,
} from "@larder/training-features";
import type { Paint } from "../terminal.ts";
import { escapeControls, renderTable } from "./table.ts";

/** Two training sets, for a reader: what differs, in the order in which one leads to the next. */
export function diffText(diff: TrainingSetDiff, paint: Paint): string {
  const { equal, bytes_equal, definitions, settings, inputs, features, columns, rows, notices } = diff;
  const bytes = bytes_equal ? ", byte for byte" : ", though not byte for byte";
  return [
    equal ? `${paint.green("equal")}${bytes}\n` : `${paint.red("different")}\n`,
    definitions.equal ? "" : `definitions: ${definitions.a.slice(0, 12)}… -> ${definitions.b.slice(0, 12)}…\n`,
    ...settings.map(({ setting, a, b }) => `${setting}: ${escapeControls(a)} -> ${escapeControls(b)}\n`),
    ...inputs.map(inputLine),
    ...features.map(featureLine),
    ...columns.only_a.map((column) => `column ${escapeControls(column)}: only in A\n`),
    ...columns.only_b.map((column) => `column ${escapeControls(column)}: only in B\n`),
    rows === null ? "" : rowsText(rows),
    ...noticeLines(notices, paint),
  ].join("");
}

/** A training set that was built again, for a reader. */
export function reproductionText(report: Reproduction, paint: Paint): string {
  const { reproduced, inputs, features, output, rows, out, notices } = report;
  const { recorded_sha256: recorded, rebuilt_sha256: rebuilt, recorded_rows, rebuilt_rows } = output;
  const same = recorded === rebuilt ? `${rebuilt_rows} rows, byte for byte\nsha256 ${recorded}\n` : "";
  const outputLine =
    rebuilt === null
      ? "nothing was built: what it was made from has changed\n"
      : same || `output: ${recorded_rows} rows, sha256 ${recorded} -> ${rebuilt_rows} rows, sha256 ${rebuilt}\n`;
  return [
    reproduced ? `${paint.green("reproduced")}: ` : `${paint.red("not reproduced")}\n`,
    ...inputs.map(inputLine),
    ...features.map(featureLine),
    outputLine,
    rows === null ? "" : rowsText(rows),
    out === null ? "" : `kept -> ${out}\n`,
    ...noticeLines(notices, paint),
  ].join("");
}

function inputLine({ of, path, change }: InputChange): string {
  return `input of ${escapeControls(of)}: ${escapeControls(path)} ${change}\n`;
}

function featureLine({ feature, change, what }: FeatureChange): string {
  const facts = what.length === 0 ? "" : `: ${escapeControls(what.join("; "))}`;
  return `feature ${escapeControls(feature)} ${change}${facts}\n`;
}

function rowsText({ a, b, only_a, only_b, moved, columns }: RowDifferences): string {
  const table = renderTable(
    ["column", "rows that differ", "first row", "null % A", "null % B", "mean distance", "max distance"],
    columns.map((column) => [
      column.column,
      column.rows,
      column.first_row ?? "",
      percent(column.null_share_a),
      percent(column.null_share_b),
      column.mean_distance?.toPrecision(3) ?? "",
      column.max_distance?.toPrecision(3) ?? "",
    ]),
  );
  return `rows: ${a} in A, ${b} in B; ${only_a} only in A, ${only_b} only in B${moved > 0 ? `, ${moved} in another place` : ""}\n${table}`;
}

function percent(share: number): number {
  return Math.round(share * 1000) / 10;
}

function noticeLines(notices: readonly string[], paint: Paint): string[] {
  return notices.map((notice) => `${paint.yellow("notice")}: ${escapeControls(notice)}\n`);
}
