import { type Feature, type FeatureRow, type FeatureView, formatTime, stringifyJson } from "@larder/schema";
import { ageText } from "../age-text.ts";
import type { Evidence } from "./evidence.ts";

/** The value of a feature in a row, or the row itself where it is a deletion. */
export function valueText(view: FeatureView, name: string, row: FeatureRow): string {
  if (row.values === undefined) return "a deletion";
  const value = row.values[view.featureByName.get(name)?.index ?? -1];
  if (value === undefined) return "no value";
  const text = stringifyJson(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** How far the view is materialized, seen from a row. */
export function positionText({ position }: Evidence, { eventTime }: FeatureRow): string {
  if (position.kind === "unavailable") return `how far it is materialized cannot be read (${position.code})`;
  if (position.kind === "never") return "the view was never materialized";
  const { start, end } = position.position;
  if (eventTime > end) return `the view is materialized up to ${formatTime(end)}`;
  if (eventTime < start) return `the view is materialized from ${formatTime(start)} on`;
  return `the view is materialized up to ${formatTime(end)}, so the row came to the source later, or was removed from the store`;
}

/** A row by its time and what it says of a feature. */
export function rowText(view: FeatureView, feature: Feature, row: FeatureRow): string {
  return `a row of ${formatTime(row.eventTime)} (${valueText(view, feature.name, row)})`;
}

/** The times of a row, and how long ago. */
export function timesText({ eventTime, createdTime }: FeatureRow, now: number): string {
  const created = createdTime === undefined ? "" : `, created ${formatTime(createdTime)}`;
  return `${formatTime(eventTime)} (${agoText(eventTime, now)}${created})`;
}

/** How long ago a time is, or how far ahead. */
export function agoText(time: number, now: number): string {
  return time > now ? `${ageText(time - now)} ahead` : `${ageText(now - time)} ago`;
}
