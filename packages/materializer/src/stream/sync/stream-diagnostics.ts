import { channel } from "node:diagnostics_channel";
import type { ErrorCode } from "@larder/schema";
import type { WriteResult } from "@larder/store-core";

/** Rows of one view and tenant that a sync has written. */
export interface StreamWrite {
  readonly project: string;
  readonly view: string;
  readonly tenant: string;
  readonly result: WriteResult;
  /** Every row of the batch, those that it was merged from among them. */
  readonly rows: readonly StreamedRow[];
  /** When all of them could be read, in microseconds of the epoch by the sync's clock. */
  readonly readableAt: number;
}

/** The times of one row. */
export interface StreamedRow {
  /** Microseconds of the epoch. */
  readonly eventTime: number;
  /** The record's, in milliseconds of the epoch. */
  readonly brokerTime: number;
}

/** A record that is in the dead letters now. */
export interface StreamDeadLetter {
  readonly project: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly code: ErrorCode;
  readonly field: string;
}

/** Publishes a {@link StreamWrite} per batch. */
export const streamWrites = channel("larder:stream:write");

/** Publishes a {@link StreamDeadLetter} per record. */
export const streamDeadLetters = channel("larder:stream:dead-letter");
