import type { Problem } from "./errors.ts";
import type { FeatureValue, KeyValue } from "./value-type.ts";

/** Online times are integers of microseconds strictly between -2^53 and 2^53: exact in JavaScript and in Redis's Lua. */
export const MAX_ONLINE_MICROS = Number.MAX_SAFE_INTEGER;

/**
 * One validated row of a feature view. Its view gives the meaning: `entityKey` is in the order of `view.joinKeys`, `values` in the order of
 * `view.features`.
 */
export interface FeatureRow {
  readonly entityKey: readonly KeyValue[];
  /** Microseconds since the epoch. */
  readonly eventTime: number;
  /** Microseconds since the epoch; undefined sorts below every value and is never "now". */
  readonly createdTime: number | undefined;
  /** The values; undefined makes the row a tombstone. An element is undefined only where the view says `partial_rows: absent`. */
  readonly values: readonly (FeatureValue | undefined)[] | undefined;
}

/** A decoded row, or every reason why it is none. */
export type DecodedRow =
  | { readonly ok: true; readonly row: FeatureRow }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Turns one record (a JSON object, a Parquet row, a Kafka value) into a {@link FeatureRow}. Compiled once per view.
 *
 * Accepted per type: numbers judged by value (1.0 is an int64, 1.5 is not), bigint, a decimal string for int64; bytes as base64 text or
 * `Uint8Array`; unix_timestamp as integer epoch seconds or a whole-second `Date`; times as ISO 8601 text (naive = UTC), `Date` or bigint
 * microseconds. Everything else is a problem; nothing is coerced.
 */
export interface RowDecoder {
  /** `place` starts each problem, for example `row 3`. Columns that the view does not know are ignored here; see {@link unknownColumns}. */
  decode(record: Readonly<Record<string, unknown>>, place: string): DecodedRow;
  /** A deletion: join keys and event time only. */
  decodeTombstone(record: Readonly<Record<string, unknown>>, place: string): DecodedRow;
  /** The names among `columns` that this view does not read. */
  unknownColumns(columns: readonly string[]): readonly string[];
  /** The names of the columns that every row of this view (or every tombstone) needs and `columns` does not have. */
  missingColumns(columns: readonly string[], options?: { readonly tombstone?: boolean }): readonly string[];
}
