import type { ErrorCode, FeatureRow, FeatureView } from "@larder/schema";
import type { StreamRecord, TopicPartition } from "./event-source.ts";

/** Turns records of the topics it was made for into rows. One per process: it keeps schemas of a registry in a bounded cache. */
export interface RecordDecoder {
  /**
   * What a record says to each view that reads its topic, in the file's order. A bad record is a `refused`, never a throw; `now` in microseconds.
   * @throws STREAM_UNAVAILABLE when a schema registry cannot be reached: the record is not at fault and is to be decoded again later
   */
  decode(origin: TopicPartition, record: StreamRecord, now: number): DecodedRecord | Promise<DecodedRecord>;
}

/** `rows` are to be written; a record with `refused` goes to the dead letters whole, and none of its rows is written. */
export type DecodedRecord =
  | { readonly ok: true; readonly rows: readonly DecodedStreamRow[]; readonly unknownFields: number }
  | { readonly ok: false; readonly refused: Refusal };

/** A row (or a tombstone, which is a row without values) of one view and tenant. */
export interface DecodedStreamRow {
  readonly view: FeatureView;
  readonly tenant: string;
  readonly row: FeatureRow;
}

/** Why a record is poison. */
export interface Refusal {
  readonly code: ErrorCode;
  /** The field or part of the record at fault. */
  readonly field: string;
  /** What is wrong and the remedy, without values of the record. */
  readonly message: string;
  /** The registry's id of the schema it was written with, where there is one. */
  readonly schemaId?: number;
  /** The view and the tenant whose rows are refused, where they are known: never a tenant that is not declared. */
  readonly view?: string;
  readonly tenant?: string;
}
