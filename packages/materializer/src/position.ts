import { LarderError } from "@larder/schema";
import type { Call, MetaScope, OnlineStore } from "@larder/store-core";
import { asObject, type MetaRecord, readRecord, writeRecord } from "./meta-record.ts";
import type { MaterializeWindow } from "./window.ts";

/**
 * How far a view is materialized: every row with an event time in [start, end] that the source held when it was read has gone through. Incremental
 * runs continue at `end`, and look for late rows from `created` on. Microseconds.
 */
export interface MaterializePosition {
  readonly start: number;
  readonly end: number;
  /**
   * Every row of [start, end] created up to here has gone through: the greatest created time seen by a run over all of it; undefined while no
   * row had one.
   */
  readonly created: number | undefined;
  /** When a run last ended, whatever its window; undefined in a position that an earlier version wrote. */
  readonly ranAt: number | undefined;
}

/** Name of the meta blob, in the scope of (project, tenant, view). */
const POSITION_NAME = "position";

/** Where somebody else's write is met, the position is read and extended again; more often than this is no coincidence. */
const ATTEMPTS = 5;

/** The position of a view, or undefined when it has none. @throws STORE_CORRUPT when the blob is no position */
export async function readPosition(
  store: OnlineStore,
  scope: MetaScope,
  call: Call,
): Promise<MaterializePosition | undefined> {
  return decodePosition(await readRecord(store, scope, POSITION_NAME, call), scope);
}

/** A run that has ended. */
export interface EndedRun {
  /** What it materialized whole; undefined where that is nothing yet, as with a window that lies ahead. */
  readonly window: MaterializeWindow | undefined;
  /** The greatest created time it has seen. */
  readonly created: number | undefined;
  /** When it ended. */
  readonly at: number;
}

/**
 * Extends a view's position by a run, and answers the position that holds then; undefined where there is none yet and nothing to begin one with. A
 * window that leaves a gap to the position does not extend it: rows of the gap would never be read by an incremental run.
 */
export async function movePosition(
  store: OnlineStore,
  scope: MetaScope,
  { window, created, at }: EndedRun,
  call: Call,
): Promise<MaterializePosition | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await readRecord(store, scope, POSITION_NAME, call);
    const before = decodePosition(record, scope);
    const extended = window === undefined ? before : extendPosition(before, window, created);
    if (extended === undefined) return undefined;
    const after = { ...extended, ranAt: latest(extended.ranAt, at) };
    if (extended === before && after.ranAt === before.ranAt) return after;
    const written = await writeRecord(store, scope, POSITION_NAME, after, record.revision, call);
    if (written !== undefined) return after;
  }
  throw new LarderError("STORE_CONFLICT", {
    what: `The materialize position of view "${scope.view ?? ""}" changed at each of ${ATTEMPTS} attempts to move it`,
    remedy: "Let one run at a time materialize this view, and run again",
    facts: { view: scope.view },
  });
}

/**
 * The position after a window. Both are inclusive, so windows one microsecond apart leave no gap. The created time moves only with a window that
 * holds all of the position: another one has not looked at what came late for the rest. Answers `before` itself when nothing changes.
 */
export function extendPosition(
  before: MaterializePosition | undefined,
  window: MaterializeWindow,
  created: number | undefined,
): MaterializePosition {
  if (before === undefined) return { start: window.start, end: window.end, created, ranAt: undefined };
  const gap = window.start > before.end + 1 || window.end < before.start - 1;
  const covers = window.start <= before.start && window.end >= before.end;
  const after = {
    start: Math.min(before.start, window.start),
    end: Math.max(before.end, window.end),
    created: covers ? latest(before.created, created) : before.created,
    ranAt: before.ranAt,
  };
  const same = after.start === before.start && after.end === before.end && after.created === before.created;
  return gap || same ? before : after;
}

/** The later of two times, of which either may be missing. */
export function latest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}

function decodePosition(record: MetaRecord, scope: MetaScope): MaterializePosition | undefined {
  if (record.revision === undefined) return undefined;
  const { start, end, created, ranAt } = asObject(record.value) ?? {};
  if (typeof start === "number" && typeof end === "number" && isTime(created) && isTime(ranAt)) {
    return { start, end, created, ranAt };
  }
  throw new LarderError("STORE_CORRUPT", {
    what: `The materialize position of view "${scope.view ?? ""}" in the online store cannot be read`,
    remedy: "Reset the view (`larder reset`) and materialize it again",
    facts: { view: scope.view, tenant: scope.tenant },
  });
}

function isTime(value: unknown): value is number | undefined {
  return value === undefined || typeof value === "number";
}
