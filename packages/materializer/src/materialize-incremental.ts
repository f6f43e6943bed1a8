import { type Definitions, type FeatureView, formatTime, LarderError, MAX_ONLINE_MICROS } from "@larder/schema";
import { readPosition } from "./position.ts";
import type { MaterializeReport } from "./report.ts";
import { withRetries } from "./retry.ts";
import { type MaterializeParts, metaCall, type Run, type RunRequest, type ViewPlan } from "./run.ts";
import { runViews } from "./run-views.ts";
import { checkTime } from "./window.ts";

/** Up to when to materialize. */
export interface IncrementalRequest extends RunRequest {
  /** Event time in microseconds, inclusive. A time ahead of now means now: rows of the future cannot be in the files yet. */
  readonly end: number;
  /**
   * How far a row's created time may lie before its arrival in the files, in microseconds: so far behind the last created time it is looked for
   * again. Default: an hour.
   */
  readonly lookback?: number;
}

/** An hour: files are often written some time after the rows in them were made. */
const LOOKBACK = 3_600_000_000;

/**
 * Loads what came since the last run, per view: rows of an event time after the position's end, and rows of an earlier one whose created time is
 * later than the position's less `lookback`, so that late rows are found. What overlaps is harmless, since the newest row wins. A view without a
 * position is read from its TTL (with `keep_stale`) before now, or from the beginning where it has none: everything the online store would keep.
 * Otherwise like a run with a window; one that was stopped begins again unless the end is the same.
 * @throws INVALID_REQUEST for an end before everything the store would keep, and for a bad `end` or `lookback`; what a run with a window throws
 */
export async function materializeIncremental(
  parts: MaterializeParts,
  request: IncrementalRequest,
): Promise<MaterializeReport> {
  const { lookback = LOOKBACK } = request;
  checkTime("end", request.end);
  if (!Number.isSafeInteger(lookback) || lookback < 0) {
    throw new LarderError("INVALID_REQUEST", {
      what: `The lookback, ${lookback}, is no duration`,
      remedy: "Give integer microseconds from 0 on",
      facts: { field: "lookback" },
    });
  }
  const now = parts.clock.now();
  return runViews(parts, request, (run, view) => planIncrement(run, view, { now, end: request.end, lookback }));
}

async function planIncrement(
  { definitions, store, request }: Run,
  view: FeatureView,
  { now, end, lookback }: { readonly now: number; readonly end: number; readonly lookback: number },
): Promise<ViewPlan> {
  const { tenant } = request;
  const scope = { project: definitions.project, tenant, view: view.name };
  const position = await withRetries(
    () => readPosition(store, scope, metaCall(request)),
    request.signal,
    request.retryDelaysMs,
  );
  const oldest = oldestKept(definitions, view, tenant, now);
  const upTo = Math.min(end, now);
  if (position === undefined) {
    const window = { start: oldest, end: upTo };
    if (oldest > upTo) throw nothingKept(view, oldest);
    return { window, late: undefined, covered: window };
  }
  // An end before the position's would look for late rows in a part of it only, and yet move its created time past those of the rest.
  const window = { start: position.end + 1, end: Math.max(upTo, position.end) };
  const createdAfter = position.created === undefined ? undefined : BigInt(position.created) - BigInt(lookback);
  return {
    window,
    late: { from: BigInt(oldest), createdAfter },
    covered: { start: position.start, end: window.end },
  };
}

/** The earliest event time that the online store would keep for the tenant. */
function oldestKept(definitions: Definitions, view: FeatureView, tenant: string, now: number): number {
  const ttl = definitions.onlineTtl(view, tenant);
  return ttl === undefined ? -MAX_ONLINE_MICROS : Math.max(now - ttl - view.keepStale, -MAX_ONLINE_MICROS);
}

function nothingKept(view: FeatureView, oldest: number): LarderError {
  return new LarderError("INVALID_REQUEST", {
    what: `END lies before ${formatTime(oldest)}, and view "${view.name}" keeps no row from before that: its TTL is over`,
    remedy: "Give a later END, or raise the view's online_ttl",
    facts: { field: "end", view: view.name },
  });
}
