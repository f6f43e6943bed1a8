import type { MaterializeReport } from "@larder/materializer";
import { formatTime } from "@larder/schema";
import type { Paint } from "../terminal.ts";
import type { VerbResult } from "../verb.ts";
import { problemText } from "./failure.ts";
import { renderTable } from "./table.ts";

/** What a run did: a table of counts per view, then what was refused and why. The exit code is 1 when any row was refused. */
export function materializeResult(report: MaterializeReport, paint: Paint): VerbResult {
  const { views, totals } = report;
  const columns = ["view", "rows", "applied", "duplicate", "stale", "expired", "refused", "null keys", "null times"];
  const lines = views.map((view) => [
    `${view.view}${view.resumed ? " (continued)" : ""}`,
    view.rows,
    view.applied,
    view.duplicate,
    view.stale,
    view.expired,
    view.refused,
    view.nullKeys,
    view.nullTimes,
  ]);
  const samples = views.flatMap((view) => view.samples.map((problem) => `  ${problemText(problem)}\n`));
  const note =
    totals.refused === 0 ? "" : paint.yellow(`${totals.refused} rows were refused; the others were written\n`);
  const warnings = report.warnings.map((warning) => paint.yellow(`warning: ${warning}\n`));
  return {
    json: {
      project: report.project,
      tenant: report.tenant,
      start: formatTime(report.start),
      end: formatTime(report.end),
      views: views.map((view) => ({
        ...view,
        start: formatTime(view.start),
        end: formatTime(view.end),
        position: view.position === undefined ? null : formatTime(view.position),
      })),
      totals,
      warnings: report.warnings,
    },
    text: renderTable(columns, lines) + warnings.join("") + note + samples.join(""),
    exitCode: totals.refused === 0 ? 0 : 1,
  };
}
