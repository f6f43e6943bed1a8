import { formatDuration, formatTime } from "@larder/schema";
import { ageText } from "../../age-text.ts";
import { freshnessWarnings, type ViewStatus } from "../../view-status.ts";
import type { Paint } from "../terminal.ts";
import { renderTable } from "./table.ts";

/** Times as ISO text, ages in seconds; null for what there is not. */
export function statusJson(statuses: readonly ViewStatus[]): readonly object[] {
  return statuses.map(({ position, oldest, newest, watermark, age, freshness, ...rest }) => ({
    ...rest,
    position:
      position === undefined
        ? null
        : {
            start: formatTime(position.start),
            end: formatTime(position.end),
            created: timeOrNull(position.created),
            ran_at: timeOrNull(position.ranAt),
          },
    oldest: timeOrNull(oldest),
    newest: timeOrNull(newest),
    watermark:
      watermark === undefined
        ? null
        : { event_time: formatTime(watermark.eventTime), written: formatTime(watermark.writeTime) },
    age_seconds: age === undefined ? null : age / 1e6,
    freshness_seconds: freshness === undefined ? null : freshness / 1e6,
  }));
}

/** A line per view and tenant, then one per view that is late. */
export function statusText(statuses: readonly ViewStatus[], paint: Paint): string {
  const table = renderTable(
    ["view", "tenant", "materialized to", "last run", "rows", "oldest", "newest", "freshness"],
    statuses.map((status) => [
      status.view,
      status.tenant,
      timeText(status.position?.end) || "never",
      status.position === undefined ? "never" : timeText(status.position.ranAt) || "unknown",
      `${status.complete ? "" : "at least "}${status.rows}${status.unreadable === 0 ? "" : `, ${status.unreadable} unreadable`}`,
      timeText(status.oldest),
      timeText(status.newest),
      freshnessText(status),
    ]),
  );
  const warnings = freshnessWarnings(statuses).map((warning) => paint.yellow(`warning: ${warning}\n`));
  return table + warnings.join("");
}

function freshnessText({ state, age, freshness }: ViewStatus): string {
  if (state === "empty" || age === undefined) return "no rows";
  const old = `${ageText(age)} old`;
  return freshness === undefined ? old : `${state}: ${old}, may be ${formatDuration(freshness)}`;
}

function timeText(micros: number | undefined): string {
  return micros === undefined ? "" : formatTime(micros);
}

function timeOrNull(micros: number | undefined): string | null {
  return micros === undefined ? null : formatTime(micros);
}
