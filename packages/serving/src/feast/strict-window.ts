import { formatTime, isLarderError, MAX_ONLINE_MICROS, parseTime } from "@larder/schema";
import { pythonError } from "./feast-refusal.ts";

/** What the window of a materialize is made of. */
interface WindowFields {
  readonly start_ts: string | undefined;
  readonly end_ts: string | undefined;
  readonly disable_event_timestamp: boolean | undefined;
}

/**
 * The window of Feast's `/materialize`, in microseconds; `now` is, too.
 * @throws FeastRefusal in Feast's words
 */
export function strictWindow(
  { start_ts, end_ts, disable_event_timestamp }: WindowFields,
  now: number,
): { readonly start: number; readonly end: number } {
  if (disable_event_timestamp === true) return { start: -MAX_ONLINE_MICROS, end: now };
  if (start_ts === undefined || end_ts === undefined || start_ts === "" || end_ts === "") {
    throw pythonError("start_ts and end_ts are required when disable_event_timestamp is False");
  }
  const [start, end] = [start_ts, end_ts].map((text) => strictTime(text, "Invalid timestamp format: "));
  if (start !== undefined && end !== undefined && start < end) return { start, end };
  throw pythonError(`start_ts (${pythonTime(start)}) must be before end_ts (${pythonTime(end)})`);
}

/** A time of a request, in microseconds. @throws FeastRefusal with dateutil's message */
export function strictTime(text: string, prefix = ""): number {
  try {
    return parseTime(text);
  } catch (error) {
    if (!isLarderError(error)) throw error;
    throw pythonError(`${prefix}Unknown string format: ${text}`);
  }
}

/** As Python prints a time in UTC: `2026-07-02 00:00:00+00:00`. */
function pythonTime(micros = 0): string {
  return formatTime(micros)
    .replace("T", " ")
    .replace(/(?:\.000000)?Z$/, "+00:00");
}
