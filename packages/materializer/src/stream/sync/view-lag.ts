import type { FeatureRow } from "@larder/schema";
import type { WriteResult } from "@larder/store-core";
import { Latencies, type LatencyCounts } from "./latencies.ts";

/** How late the rows of one view and tenant are, since the sync began. */
export interface ViewLagStatus {
  /** The latest event time of a row that was written or met a newer one in the store; microseconds of the epoch. */
  readonly watermark: number | undefined;
  /** Of the rows that became readable: from the event to its append at the broker, */
  readonly eventToBroker: LatencyCounts;
  /** from there until it could be read, */
  readonly brokerToReadable: LatencyCounts;
  /** and both together, which is what a freshness objective is about. */
  readonly eventToReadable: LatencyCounts;
  /** How many of them became readable later than the view's objective; undefined where it states none. */
  readonly missed: number | undefined;
}

/** A row that was handed to the store, and the time of its record in milliseconds. */
export interface LaggingRow {
  readonly row: Pick<FeatureRow, "eventTime">;
  readonly brokerTime: number;
}

/** Keeps the lag of one view and tenant. */
export class ViewLag implements ViewLagStatus {
  watermark: number | undefined;
  readonly eventToBroker = new Latencies();
  readonly brokerToReadable = new Latencies();
  readonly eventToReadable = new Latencies();
  missed: number | undefined;
  readonly #objective: number | undefined;

  /** `objective` in microseconds. */
  constructor(objective: number | undefined) {
    this.#objective = objective;
    this.missed = objective === undefined ? undefined : 0;
  }

  /**
   * Rows are in the store since `now` (microseconds). Latencies are those of applied rows alone: what is read again after a kill has been readable
   * before, and what was beaten by a newer row never is.
   */
  written(rows: readonly LaggingRow[], { outcomes }: Pick<WriteResult, "outcomes">, now: number): void {
    for (const [index, { row, brokerTime }] of rows.entries()) {
      const outcome = outcomes[index];
      if (outcome === "expired") continue;
      if (this.watermark === undefined || row.eventTime > this.watermark) this.watermark = row.eventTime;
      if (outcome !== "applied") continue;
      this.eventToBroker.add(brokerTime - row.eventTime / 1_000);
      this.brokerToReadable.add(now / 1_000 - brokerTime);
      this.eventToReadable.add((now - row.eventTime) / 1_000);
      if (this.#objective !== undefined && now - row.eventTime > this.#objective) this.missed = (this.missed ?? 0) + 1;
    }
  }

  /** The latest event time, but no later than now: rows may be dated a little ahead. */
  status(now: number): ViewLagStatus {
    const { watermark, eventToBroker, brokerToReadable, eventToReadable, missed } = this;
    return {
      watermark: watermark === undefined ? undefined : Math.min(watermark, now),
      eventToBroker,
      brokerToReadable,
      eventToReadable,
      missed,
    };
  }
}
