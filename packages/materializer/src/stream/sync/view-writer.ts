import { setImmediate as turn } from "node:timers/promises";
import { type ErrorCode, type FeatureRow, type FeatureView, isLarderError, type LarderError } from "@larder/schema";
import { createRowOrder, type OnlineStore, type RowOrder, type WriteResult } from "@larder/store-core";
import type { Pace } from "../../pace.ts";
import type { Refusal } from "../decoded-record.ts";
import { type Backoff, untilItWorks } from "./backoff.ts";
import type { LaneRecord } from "./lane.ts";
import { mergeRows } from "./merge-rows.ts";
import type { Outages } from "./outages.ts";
import type { SyncSettings } from "./sync-settings.ts";
import type { WriteCounts } from "./sync-status.ts";
import { ViewLag } from "./view-lag.ts";

/** A row and the record that brought it. */
export interface WaitingRow {
  readonly row: FeatureRow;
  readonly from: LaneRecord;
}

/** What a {@link ViewWriter} works with. */
export interface ViewWriterParts {
  readonly store: OnlineStore;
  readonly pace: Pace | undefined;
  /** See {@link SyncSettings.writeMs}. */
  readonly writeMs: SyncSettings["writeMs"];
  readonly backoff: Backoff;
  readonly outages: Outages;
  /** Ends waits and writes. */
  readonly signal: AbortSignal;
  /** Rows are in the store. */
  readonly onWritten: (writer: ViewWriter, items: readonly WaitingRow[], result: WriteResult) => void;
  /** Microseconds of the epoch. */
  readonly now: () => number;
  /** The store does not take these rows, now or later. */
  readonly onRefused: (items: readonly WaitingRow[], refusal: Refusal) => void;
  /** Nothing that this part knows to handle. */
  readonly onFailure: (error: unknown) => void;
}

/** Rows of one write, before they are merged. */
const MAX_ROWS = 1_000;

/** Writes under way at once, while there are rows for a whole one: the next is made ready while the store works on the last. */
const MOST_WRITES = 2;

/**
 * Writes the rows of one view and tenant, of all partitions, in batches of their greatest: what arrives during a write is the next one, so batches are
 * small where little comes and large where much does. Newest wins, so that two writes may be under way at once. A tenant whose rows are refused, or have to wait, keeps no other from being written.
 */
export class ViewWriter {
  readonly view: FeatureView;
  readonly tenant: string;
  readonly counts: Record<keyof WriteCounts, number> = {
    applied: 0,
    duplicate: 0,
    stale: 0,
    expired: 0,
    conflict: 0,
    merged: 0,
    refused: 0,
  };
  readonly lag: ViewLag;
  readonly #parts: ViewWriterParts;
  readonly #order: RowOrder;
  #waiting: WaitingRow[] = [];
  /** What is being written, by write. */
  readonly #batches = new Set<readonly WaitingRow[]>();
  #writes = 0;
  /** Writes under way that have failed and are made again. */
  #away = 0;

  constructor(view: FeatureView, tenant: string, parts: ViewWriterParts) {
    this.view = view;
    this.tenant = tenant;
    this.#parts = parts;
    this.#order = createRowOrder(view);
    this.lag = new ViewLag(view.freshness);
  }

  /** The least event time of a row that waits or is being written; undefined when none is. Microseconds of the epoch. */
  get oldest(): number | undefined {
    let oldest: number | undefined;
    for (const rows of [...this.#batches, this.#waiting]) {
      for (const { row, from } of rows) {
        if (!from.lane.gone && (oldest === undefined || row.eventTime < oldest)) oldest = row.eventTime;
      }
    }
    return oldest;
  }

  /** Rows that wait for a write; 0 while the store refuses them for now, which is not waited for. */
  get waiting(): number {
    return this.#away > 0 ? 0 : this.#waiting.length;
  }

  add(item: WaitingRow): void {
    this.#waiting.push(item);
    if (this.#writes > 0 && (this.#writes === MOST_WRITES || this.#waiting.length < MAX_ROWS)) return;
    this.#writes++;
    void this.#run().catch(this.#parts.onFailure);
  }

  /** Forgets rows of partitions that are gone. */
  forgetGone(): void {
    this.#waiting = this.#waiting.filter(({ from }) => !from.lane.gone);
  }

  async #run(): Promise<void> {
    await turn(); // what is decoded in the same turn is written together
    const { pace, signal } = this.#parts;
    const most = Math.min(MAX_ROWS, pace?.rowsAtOnce ?? MAX_ROWS);
    while (this.#waiting.length > 0 && !signal.aborted) {
      const batch = this.#waiting.splice(0, most);
      this.#batches.add(batch);
      await this.#write(batch);
      this.#batches.delete(batch);
    }
    this.#writes--;
  }

  async #write(batch: readonly WaitingRow[]): Promise<void> {
    // Each turn is without the rows that were refused: those they had beaten are judged anew.
    for (let items = batch; items.length > 0; ) {
      const merged = mergeRows(this.view, this.#order, items);
      try {
        await this.#parts.pace?.take(merged.length, this.#parts.signal);
        const result = await this.#put(merged.map(({ row }) => row));
        for (const outcome of ["applied", "duplicate", "stale", "expired", "conflict"] as const) {
          this.counts[outcome] += result[outcome];
        }
        this.counts.merged += items.length - merged.length;
        const written = merged.map(({ row, from }) => ({ row, brokerTime: from.record.timestamp }));
        this.lag.written(written, result, this.#parts.now());
        this.#parts.onWritten(this, items, result);
        return;
      } catch (error) {
        if (this.#parts.signal.aborted) return;
        if (!isLarderError(error)) throw error;
        const refused = refusedOf(error, merged, items);
        if (refused.size === 0) throw error;
        this.counts.refused += refused.size;
        this.#parts.onRefused([...refused], { ...refusalOf(error), view: this.view.name, tenant: this.tenant });
        items = items.filter((item) => !refused.has(item));
      }
    }
  }

  async #put(rows: readonly FeatureRow[]): Promise<WriteResult> {
    const { store, writeMs, backoff, outages, signal } = this.#parts;
    let failed = false;
    try {
      return await untilItWorks(
        () =>
          store.write(this.view, rows, {
            tenant: this.tenant,
            signal,
            deadline: performance.now() + writeMs,
          }),
        backoff,
        signal,
        (problem) => {
          if (!failed) this.#away++;
          failed = true;
          outages.failed("store", rows, problem);
        },
      );
    } finally {
      if (failed) this.#away--;
      outages.over("store", rows);
    }
  }
}

/** The rows that an error of a write is about; none where it is not about rows. */
function refusedOf(
  { code, facts }: LarderError,
  merged: readonly WaitingRow[],
  items: readonly WaitingRow[],
): ReadonlySet<WaitingRow> {
  const codes: Partial<Record<ErrorCode, () => readonly (WaitingRow | undefined)[]>> = {
    UNKNOWN_TENANT: () => items,
    // A tenant that is over its quota may still delete.
    QUOTA_EXCEEDED: () => items.filter(({ row }) => row.values !== undefined),
    INVALID_ROWS: () => (Array.isArray(facts["rows"]) ? facts["rows"].map((index) => merged[Number(index)]) : []),
  };
  return new Set((codes[code]?.() ?? []).filter((item) => item !== undefined));
}

function refusalOf({ code, message, facts }: LarderError): Refusal {
  const field = facts["field"];
  return { code, message, field: typeof field === "string" ? field : "" };
}
