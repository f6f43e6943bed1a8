import { type FeatureRow, type FeatureView, LarderError, type Problem } from "@larder/schema";
import { encodeEntityKey } from "../keys/entity-key.ts";
import type { WriteOutcome, WriteResult } from "../online-store.ts";
import type { RowEncoder } from "../row/row-encoder.ts";
import type { PutOutcome, StoredRow } from "../row-store.ts";

/** Problems listed in one error; the rest is counted. */
const MAX_PROBLEMS = 100;

/** What a write comes down to, before any backend is involved. */
export interface WritePlan {
  /** The rows to put: those that are not already past their life. */
  readonly rows: readonly StoredRow[];
  /** Folds the backend's answers, one per `rows`, into the answer for all rows of the write. */
  result(puts: readonly PutOutcome[]): WriteResult;
}

/** What {@link planWrite} works on. Times are microseconds. */
export interface WritePlanInput {
  readonly view: FeatureView;
  readonly rows: readonly FeatureRow[];
  readonly encode: RowEncoder;
  /** The TTL of this tenant; undefined = no limit. */
  readonly onlineTtl: number | undefined;
  readonly now: number;
}

/**
 * Applies the rules that need no backend: future rows and rows lacking a feature refuse the whole write, rows past TTL + keep_stale are
 * `expired`, every other row is encoded and given its physical expiry.
 * @throws INVALID_ROWS naming the rows (`facts.rows`)
 */
export function planWrite({ view, rows, encode, onlineTtl, now }: WritePlanInput): WritePlan {
  refuseBadRows(view, rows, now);
  const life = onlineTtl === undefined ? undefined : onlineTtl + view.keepStale;
  const stored: StoredRow[] = [];
  const origin: number[] = [];
  for (const [index, row] of rows.entries()) {
    const tombstone = row.values === undefined;
    const expiresAt = expiryOf(row.eventTime, life, tombstone ? now + view.tombstoneRetention : undefined);
    if (life !== undefined && now > row.eventTime + life) continue;
    stored.push({
      entityKey: encodeEntityKey(view, row.entityKey),
      eventTime: row.eventTime,
      createdTime: row.createdTime,
      expiresAt,
      tombstone,
      bytes: encode(row),
    });
    origin.push(index);
  }
  return { rows: stored, result: (puts) => fold(rows.length, origin, puts) };
}

/** With a TTL a row lives by its event time, tombstone or not; without one rows live for ever and tombstones for their retention. */
function expiryOf(eventTime: number, life: number | undefined, withoutTtl: number | undefined): number | undefined {
  return life === undefined ? withoutTtl : eventTime + life;
}

/**
 * Judges the rows of a write without writing: for a caller that writes several views and must refuse all or none. Every write does it again.
 * @throws INVALID_ROWS naming the rows (`facts.rows`)
 */
export function refuseBadRows(view: FeatureView, rows: readonly FeatureRow[], now: number): void {
  const latest = now + view.maxFuture;
  const bad: number[] = [];
  const problems: Problem[] = [];
  const add = (row: number, field: string, what: string, remedy: string) => {
    if (bad.at(-1) !== row) bad.push(row);
    if (problems.length < MAX_PROBLEMS) problems.push({ place: `row ${row}`, field, what, remedy });
  };
  for (const [index, { eventTime, values }] of rows.entries()) {
    if (eventTime > latest) {
      const seconds = Math.ceil((eventTime - now) / 1e6);
      const allowed = view.maxFuture / 1e6;
      add(
        index,
        "event_timestamp",
        `is ${seconds} s ahead of the clock (${allowed} s allowed)`,
        "Correct the producer's clock, or raise max_future of the view",
      );
    }
    if (values === undefined || view.partialRows === "absent") continue;
    for (const feature of view.features) {
      if (values[feature.index] === undefined) {
        add(
          index,
          feature.name,
          "is missing",
          "Send every feature (null is a value), or set partial_rows: absent on the view",
        );
      }
    }
  }
  if (bad.length === 0) return;
  const [first] = problems;
  throw new LarderError("INVALID_ROWS", {
    what: `${bad.length} of ${rows.length} rows for view "${view.name}" were refused, the first: ${first?.place}: ${first?.field} ${first?.what}`,
    remedy: `Nothing was written. ${first?.remedy}`,
    facts: { view: view.name, rows: bad.slice(0, MAX_PROBLEMS) },
    problems,
  });
}

function fold(total: number, origin: readonly number[], puts: readonly PutOutcome[]): WriteResult {
  const outcomes: WriteOutcome[] = new Array(total).fill("expired");
  const counts = { applied: 0, duplicate: 0, stale: 0, expired: total - puts.length, conflict: 0 };
  for (const [index, put] of puts.entries()) {
    const conflict = put === "applied_conflict" || put === "stale_conflict";
    const outcome = put === "applied_conflict" ? "applied" : put === "stale_conflict" ? "stale" : put;
    outcomes[origin[index] as number] = outcome;
    counts[outcome]++;
    if (conflict) counts.conflict++;
  }
  return { outcomes, ...counts };
}
