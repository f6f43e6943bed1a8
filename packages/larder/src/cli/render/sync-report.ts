import { formatTime } from "@larder/schema";
import { ageText } from "../../age-text.ts";
import type { SyncOverview } from "../../sync/sync-status.ts";
import type { ViewBody } from "../../sync/sync-status-body.ts";
import { renderTable } from "./table.ts";

export function syncJson({ process, unreachable, url, topics, watermarks }: SyncOverview): object {
  return {
    url,
    process: process ?? null,
    unreachable: unreachable ?? null,
    topics,
    watermarks: watermarks.map(({ view, tenant, watermark }) => ({
      view,
      tenant,
      event_time: watermark === undefined ? null : formatTime(watermark.eventTime),
      written: watermark === undefined ? null : formatTime(watermark.writeTime),
    })),
  };
}

/** The process's views and tenants, where it answers; then what brokers and store know of all processes. */
export function syncText(overview: SyncOverview): string {
  const topics = renderTable(
    ["topic", "partitions", "never committed", "records behind"],
    overview.topics.map(({ topic, partitions, uncommitted, lag }) => [topic, partitions, uncommitted, lag]),
  );
  return `${processText(overview)}\n${topics}`;
}

function processText({ process, unreachable, url, watermarks }: SyncOverview): string {
  if (process !== undefined) {
    const away = process.outages.map(({ of, code }) => `${of} ${code}`).join(", ");
    const state = process.ready ? "ready" : `not ready${away === "" ? "" : `: ${away}`}`;
    if (process.views.length === 0) return `${url}: ${state}; it has met no row yet\n`;
    const columns = ["view", "tenant", "applied", "duplicate", "stale", "dead letters", "newest row", "oldest waiting"];
    const rows = process.views.map((view) => [
      view.view,
      view.tenant,
      view.applied,
      view.duplicate,
      view.stale,
      view.dead_lettered,
      old(view.age_seconds),
      view.oldest_unprocessed_seconds === null ? "none" : ageText(view.oldest_unprocessed_seconds * 1e6),
      bound(view.event_to_broker),
      bound(view.broker_to_readable),
      freshnessText(view),
    ]);
    return `${url}: ${state}\n${renderTable([...columns, "to broker p99", "to readable p99", "freshness"], rows)}`;
  }
  const rows = watermarks.map(({ view, tenant, watermark }) => [
    view,
    tenant,
    watermark === undefined ? "not known" : formatTime(watermark.eventTime),
    watermark === undefined ? "not known" : formatTime(watermark.writeTime),
  ]);
  const gap = `no sync answers at ${url} (${unreachable}): what waits, how long it takes and what became of rows is known to the process alone\n`;
  return `${gap}${renderTable(["view", "tenant", "newest row", "last written"], rows)}`;
}

function old(seconds: number | null): string {
  return seconds === null ? "none" : `${ageText(seconds * 1e6)} old`;
}

function bound({ count, p99_seconds: seconds }: ViewBody["event_to_broker"]): string {
  if (count === 0) return "";
  return seconds === null ? "more than a day" : `${seconds} s`;
}

function freshnessText({ freshness }: ViewBody): string {
  if (freshness === null) return "no objective";
  const { objective_seconds: seconds, missed, rows } = freshness;
  return `${ageText(seconds * 1e6)}: ${missed} of ${rows} late`;
}
