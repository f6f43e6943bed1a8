import type { TrainingSetReport } from "@larder/training-features";
import type { Paint } from "../terminal.ts";
import type { VerbResult } from "../verb.ts";
import { lintReport } from "./lint-report.ts";
import { renderTable } from "./table.ts";

/** What was built: both match rates per view, so that a reader sees what late arrival costs, the notices, and what the linter found. */
export function trainingSetResult(
  { out, manifestPath, rows, manifest, notices, findings }: TrainingSetReport,
  paint: Paint,
): VerbResult {
  const rate = (matched: number | null): string =>
    matched === null ? "-" : `${matched} (${rows === 0 ? 0 : Math.round((1000 * matched) / rows) / 10} %)`;
  const views = manifest.views.map(({ name, rule, matched }) => [
    name,
    rule,
    rate(matched.event_time),
    rate(matched.bitemporal),
  ]);
  return {
    json: {
      out,
      manifest_path: manifestPath,
      rows,
      views: manifest.views.map(summary),
      split: manifest.split,
      notices,
      findings: findings ?? null,
    },
    text: `${rows} rows -> ${out}\nmanifest -> ${manifestPath}\n${renderTable(
      ["view", "rule", "matched by event time", "matched as known then"],
      views,
    )}${splitLine(manifest.split)}${notices.map((notice) => `${paint.yellow("notice")}: ${notice}\n`).join("")}${
      findings === undefined ? "" : lintReport(findings, paint)
    }`,
  };
}

function splitLine(split: TrainingSetReport["manifest"]["split"]): string {
  if (split === null) return "";
  const parts = Object.entries(split.rows).map(([part, count]) => `${count} ${part}`);
  const cuts = split.cuts === null ? "" : `, cut at ${split.cuts.join(" and ")}`;
  return `split ${split.how}: ${parts.join(", ")}${cuts}\n`;
}

type ManifestView = TrainingSetReport["manifest"]["views"][number];

function summary({ name, view, rule, rule_reason, matched, unjoinable }: ManifestView) {
  return { name, view, rule, rule_reason, matched, unjoinable };
}
