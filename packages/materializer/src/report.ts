import type { Problem } from "@larder/schema";

/** What became of the rows of one view. `rows` = applied + duplicate + stale + expired + refused. */
export interface MaterializeCounts {
  /** Latest rows of the window, one per entity. */
  readonly rows: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly stale: number;
  readonly expired: number;
  /** Rows that met a stored row of the same times and other bytes. */
  readonly conflict: number;
  /** Rows that were past their online TTL already, whatever became of them. */
  readonly pastTtl: number;
  /** Latest rows that cannot be decoded or are dated ahead of the clock by more than `max_future`. Nothing of them is written. */
  readonly refused: number;
  /** Rows of the source without a value for a join key: they belong to no entity. */
  readonly nullKeys: number;
  /** Rows of the source without an event time: they belong to no window. */
  readonly nullTimes: number;
}

/** What became of one view. */
export interface ViewReport extends MaterializeCounts {
  readonly view: string;
  /** The window of event times, in microseconds; an incremental run's differs by view, and late rows may lie before it. */
  readonly start: number;
  readonly end: number;
  /** The first refused rows and rows without key or time, with reasons; at most {@link MAX_SAMPLES}. */
  readonly samples: readonly Problem[];
  /** The run continued one that had stopped. */
  readonly resumed: boolean;
  /** The end up to which the view is materialized without a gap, in microseconds; undefined where this run could not move it and there was none. */
  readonly position: number | undefined;
}

/** What became of a run. Times in microseconds; `start` and `end` hold the windows of all views. */
export interface MaterializeReport {
  readonly project: string;
  readonly tenant: string;
  readonly start: number;
  readonly end: number;
  readonly views: readonly ViewReport[];
  readonly totals: MaterializeCounts;
  /** Sentences on what went through and will hardly be what was meant. */
  readonly warnings: readonly string[];
}

/** How many refused rows a report lists per view; all are counted. */
export const MAX_SAMPLES = 10;

/** No rows yet. */
export const NO_COUNTS: MaterializeCounts = {
  rows: 0,
  applied: 0,
  duplicate: 0,
  stale: 0,
  expired: 0,
  conflict: 0,
  pastTtl: 0,
  refused: 0,
  nullKeys: 0,
  nullTimes: 0,
};

/** The sum, count by count. */
export function addCounts(a: MaterializeCounts, b: Partial<MaterializeCounts>): MaterializeCounts {
  return {
    rows: a.rows + (b.rows ?? 0),
    applied: a.applied + (b.applied ?? 0),
    duplicate: a.duplicate + (b.duplicate ?? 0),
    stale: a.stale + (b.stale ?? 0),
    expired: a.expired + (b.expired ?? 0),
    conflict: a.conflict + (b.conflict ?? 0),
    pastTtl: a.pastTtl + (b.pastTtl ?? 0),
    refused: a.refused + (b.refused ?? 0),
    nullKeys: a.nullKeys + (b.nullKeys ?? 0),
    nullTimes: a.nullTimes + (b.nullTimes ?? 0),
  };
}
