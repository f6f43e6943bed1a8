import type { RowBytes, RowReader } from "../row/row-reader.ts";

/** Where a row came from. */
export type RowSource = "store" | "near_cache" | "last_known_good" | "default";

/** The rows one view contributed to a read, checked: index = entity row. */
export interface ViewCells {
  /** PRESENT, NOT_FOUND, OUTSIDE_MAX_AGE or INVALID, of the row as a whole. */
  readonly status: Uint8Array;
  /** 1 for a plain row: PRESENT, every feature has a value, and its reader is `plainReader`. */
  readonly plain: Uint8Array;
  readonly plainReader: RowReader | undefined;
  readonly bytes: readonly (RowBytes | undefined)[];
  /** Where the row starts in its bytes, and how long it is. */
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  readonly readers: readonly (RowReader | undefined)[];
  /** (start, length) pairs of variable values, `spanStride` numbers per row. */
  readonly spans: Int32Array;
  readonly spanStride: number;
  /** Where each row came from; absent: all from the store. */
  readonly sources?: readonly RowSource[];
  /** When each row was read, in microseconds; absent: all by this read. */
  readonly readAts?: Float64Array;
}
