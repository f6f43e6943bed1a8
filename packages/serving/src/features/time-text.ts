import { formatTime } from "@larder/schema";

/**
 * An event time as protobuf's JSON writes a Timestamp, and so Feast: RFC 3339 in UTC with 0, 3 or 6 fractional digits, as many as it needs.
 * `micros` are microseconds since the epoch.
 */
export function timeText(micros: number): string {
  const text = formatTime(micros);
  if (text.endsWith(".000000Z")) return `${text.slice(0, 19)}Z`;
  return text.endsWith("000Z") ? `${text.slice(0, 23)}Z` : text;
}
