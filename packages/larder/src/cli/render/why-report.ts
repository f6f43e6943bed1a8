import { type FeatureRow, formatDuration, formatTime } from "@larder/schema";
import type { TenantUsage } from "@larder/store-core";
import type { Evidence } from "../../why/evidence.ts";
import type { SourceRow } from "../../why/source-evidence.ts";
import type { FeatureVerdict } from "../../why/verdict.ts";
import type { WhyReport } from "../../why/why.ts";
import { renderTable } from "./table.ts";

/** Times as ISO text, durations in seconds; null for what there is not. `single`: one feature was asked for, and its verdict is not in a list. */
export function whyJson(report: WhyReport, single: boolean): object {
  const { project, tenant, view, entity, now, features, evidence } = report;
  const head = { project, tenant, view, entity, now: formatTime(now) };
  const [first] = features;
  const verdicts = single && first !== undefined ? first : { features };
  return { ...head, ...verdicts, evidence: evidenceJson(evidence) };
}

/** For one feature its verdict in full, for several a line each; then what it rests on. */
export function whyText(report: WhyReport): string {
  const { tenant, view, entity, features, evidence } = report;
  const keys = Object.entries(entity).map(([name, value]) => `${name}=${String(value)}`);
  const of = `${keys.join(" ") || "its one row"}, tenant ${tenant}`;
  const [first] = features;
  const verdicts =
    features.length === 1 && first !== undefined
      ? `${view}:${first.feature} of ${of}: ${first.verdict}\n${verdictText(first)}`
      : `${view} of ${of}\n${renderTable(
          ["feature", "status", "verdict", "what"],
          features.map(({ feature, status, verdict, what }) => [feature, status, verdict, what]),
        )}${remedies(features)}`;
  return `${verdicts}\n${renderTable(["looked at", "found"], evidenceLines(evidence, view, tenant))}`;
}

function verdictText({ status, what, remedy, commands, also }: FeatureVerdict): string {
  const lines = [`A read answers ${status}. ${what}.`];
  if (remedy !== "") lines.push(`Remedy: ${remedy}.`, ...commands.map((command) => `  $ ${command}`));
  for (const other of also) lines.push(`Also ${other.verdict}: ${other.what}.`);
  return lines.map((line) => `${line}\n`).join("");
}

/** Features of one row mostly have one remedy. */
function remedies(features: readonly FeatureVerdict[]): string {
  const texts = features
    .filter(({ remedy }) => remedy !== "")
    .map(({ remedy, commands }) => [`Remedy: ${remedy}.`, ...commands.map((command) => `  $ ${command}`)].join("\n"));
  return [...new Set(texts)].map((text) => `${text}\n`).join("");
}

function evidenceLines(evidence: Evidence, view: string, tenant: string): string[][] {
  const { stored, source, position, life, erasure, quota, otherTenants, tenantsNotLookedAt } = evidence;
  const lines = [
    [
      "online store",
      stored.kind === "none"
        ? "no row"
        : stored.kind === "unreadable"
          ? `a row that cannot be read (${stored.fault})`
          : timesOf(stored.row),
    ],
    [
      "definitions",
      `${life.ttlKey}: ${life.ttl === undefined ? "no limit" : formatDuration(life.ttl)}, keep_stale ${formatDuration(life.keepStale)}, max_future ${formatDuration(life.maxFuture)}`,
    ],
    [
      "materialized",
      position.kind === "position"
        ? `${formatTime(position.position.start)} to ${formatTime(position.position.end)}`
        : position.kind === "never"
          ? `never, view ${view} of tenant ${tenant}`
          : `not known (${position.code}: ${position.what})`,
    ],
  ];
  if (source.kind === "unavailable") lines.push(["source", `not looked at (${source.code}: ${source.what})`]);
  else if (source.rows.length === 0) lines.push(["source", "no row"]);
  else for (const row of source.rows.slice(0, 3)) lines.push(["source", sourceText(row)]);
  if (source.kind === "rows" && (source.more || source.rows.length > 3)) lines.push(["source", "and older rows"]);
  if (erasure.kind === "erased") lines.push(["erased", `up to ${formatTime(erasure.at)}`]);
  if (erasure.kind === "unavailable") lines.push(["erased", `not known (${erasure.code}: ${erasure.what})`]);
  if (quota.kind === "usage") lines.push(["quota", quotaText(quota.usage)]);
  if (quota.kind === "unavailable") lines.push(["quota", `not known (${quota.code}: ${quota.what})`]);
  for (const { tenant: name, eventTime } of otherTenants) {
    lines.push([`tenant ${name}`, eventTime === undefined ? "a row that cannot be read" : formatTime(eventTime)]);
  }
  if (tenantsNotLookedAt > 0) lines.push(["other tenants", `${tenantsNotLookedAt} not looked at`]);
  return lines;
}

function quotaText({ bytes, maxBytes, measuredAt, refused }: TenantUsage): string {
  return `${bytes} of ${maxBytes} bytes at ${formatTime(measuredAt)}${refused ? ", writes are refused" : ""}`;
}

function sourceText(row: SourceRow): string {
  if (row.kind === "refused") return row.problems.map(({ field, what }) => `${field} ${what}`).join("; ");
  return `${timesOf(row.row)}${row.ahead ? ", dated ahead" : ""}`;
}

function timesOf({ eventTime, createdTime, values }: FeatureRow): string {
  const kind = values === undefined ? "a deletion" : "a row";
  return `${kind} of ${formatTime(eventTime)}${createdTime === undefined ? "" : `, created ${formatTime(createdTime)}`}`;
}

function evidenceJson(evidence: Evidence): object {
  const { stored, source, position, life, erasure, quota, otherTenants, tenantsNotLookedAt } = evidence;
  return {
    stored:
      stored.kind === "row"
        ? { kind: "row", ...rowJson(stored.row, evidence), retyped: stored.retyped, lacking: stored.lacking }
        : stored,
    life: {
      ttl_seconds: life.ttl === undefined ? null : life.ttl / 1e6,
      ttl_key: life.ttlKey,
      keep_stale_seconds: life.keepStale / 1e6,
      max_future_seconds: life.maxFuture / 1e6,
    },
    position:
      position.kind === "position"
        ? {
            kind: "position",
            start: formatTime(position.position.start),
            end: formatTime(position.position.end),
            created: timeOrNull(position.position.created),
            ran_at: timeOrNull(position.position.ranAt),
          }
        : position,
    source:
      source.kind === "rows"
        ? {
            kind: "rows",
            rows: source.rows.map((found) =>
              found.kind === "row" ? { kind: "row", ahead: found.ahead, ...rowJson(found.row, evidence) } : found,
            ),
            more: source.more,
          }
        : source,
    erasure: erasure.kind === "erased" ? { kind: "erased", at: formatTime(erasure.at) } : erasure,
    quota:
      quota.kind === "usage"
        ? {
            kind: "usage",
            bytes: quota.usage.bytes,
            max_bytes: quota.usage.maxBytes,
            measured_at: formatTime(quota.usage.measuredAt),
            refused: quota.usage.refused,
          }
        : quota,
    other_tenants: otherTenants.map(({ tenant, eventTime }) => ({ tenant, event_timestamp: timeOrNull(eventTime) })),
    tenants_not_looked_at: tenantsNotLookedAt,
  };
}

function rowJson(row: FeatureRow, { now, life, features }: Evidence): object {
  const { eventTime, createdTime, values } = row;
  const left = life.ttl === undefined ? undefined : eventTime + life.ttl - now;
  return {
    event_timestamp: formatTime(eventTime),
    created: timeOrNull(createdTime),
    age_seconds: (now - eventTime) / 1e6,
    ttl_left_seconds: left === undefined ? null : left / 1e6,
    deletion: values === undefined,
    values:
      values === undefined
        ? null
        : Object.fromEntries(
            features.filter(({ index }) => values[index] !== undefined).map(({ name, index }) => [name, values[index]]),
          ),
  };
}

function timeOrNull(micros: number | undefined): string | null {
  return micros === undefined ? null : formatTime(micros);
}
