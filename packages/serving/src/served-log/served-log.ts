import type { LarderError } from "@larder/schema";
import type { EntityKeys, FeatureBatch } from "@larder/store-core";
import type { Predictions, Predictor } from "../predict/predictor.ts";
import type { RowInputs } from "../predict/row-inputs.ts";

/** One answered request, as its route has it. */
export interface ServedAnswer {
  readonly tenant: string;
  readonly requestId: string;
  readonly predictor: Predictor;
  /** As the request brought them, checked. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly keys: EntityKeys;
  readonly batch: FeatureBatch;
  readonly inputs: RowInputs;
  readonly predictions: Predictions;
  /** When the store had answered, in microseconds. */
  readonly servedAt: number;
}

/** What became of sampled rows: in a file; left out since the entity is erased; dropped since too many waited; lost since they could not be written. */
export const LOG_OUTCOMES = ["written", "erased", "full", "failed"] as const;

/** One of {@link LOG_OUTCOMES}. */
export type LogOutcome = (typeof LOG_OUTCOMES)[number];

/** What a log has done so far, and what it holds. */
export interface ServedLogUse {
  /** Rows by model and outcome. */
  readonly rows: ReadonlyMap<string, Readonly<Record<LogOutcome, number>>>;
  /** Rows in no file yet, and their estimated size. */
  readonly pendingRows: number;
  readonly pendingBytes: number;
}

/** Keeps what predictions of sampled entities were made of. */
export interface ServedLog {
  /** Takes copies of the sampled rows of an answer. Never waits, never throws: what it cannot keep it counts. */
  record(answer: ServedAnswer): void;
  use(): ServedLogUse;
  /** Writes what it holds, within its deadline, and ends its thread; rows that are left are counted as failed. Safe to call twice. */
  close(): Promise<void>;
}

/** Told when writing begins to fail, once until it works again. */
export type OnLogProblem = (problem: LarderError) => void;
