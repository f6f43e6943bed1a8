/**
 * One value that an engine hands out. Statements select times as BIGINT microseconds or seconds and text that must be exact as bytes, so nothing
 * here has an engine's own class: BIGINT is bigint, INTEGER, FLOAT and DOUBLE are number, BLOB is Uint8Array, a list is an array.
 */
export type EngineValue = null | boolean | number | bigint | string | Uint8Array | readonly EngineValue[];

/** One row of a small result, by column name. */
export type EngineRow = Readonly<Record<string, EngineValue>>;

/** Some rows of a large result, column by column. */
export interface ColumnBatch {
  readonly rowCount: number;
  readonly columns: readonly (readonly EngineValue[])[];
}

/** What a statement works on, so that its failure can be named. Paths are absolute. */
export type EngineSubject =
  | {
      readonly kind: "source";
      readonly view: string;
      readonly files: readonly string[];
      /** What messages call a path: that of a staged copy is its object's address. Default: the path. */
      readonly nameOf?: (path: string) => string;
    }
  | { readonly kind: "entities"; readonly path: string }
  | { readonly kind: "output"; readonly path: string }
  | { readonly kind: "plan" };

/** What travels with a statement. */
export interface EngineCall {
  readonly subject: EngineSubject;
  /** Stops the statement; it then fails with ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Share of the statement that is done, 0 to 1, a few times a second where the engine can tell. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/**
 * A session of the engine that reads Parquet and joins: the port behind which DuckDB sits. One statement at a time; temporary tables belong to the
 * session. Statements are in the engine's own dialect, which `dialect` names for the planner.
 *
 * Failures are coded: SOURCE_UNREADABLE, ENTITY_ROWS_INVALID or OUTPUT_UNWRITABLE by the call's subject, ABORTED, else OFFLINE_FAILED.
 */
export interface OfflineEngine {
  readonly name: string;
  readonly version: string;
  readonly dialect: "duckdb";
  /** Runs a statement for its effect. */
  run(sql: string, call: EngineCall): Promise<void>;
  /** A small result as a whole. */
  rows(sql: string, call: EngineCall): Promise<EngineRow[]>;
  /** A large result in batches, in its order. Ending the loop early ends the statement. */
  batches(sql: string, call: EngineCall): AsyncIterable<ColumnBatch>;
  /** Ends the session and removes its temporary files. Safe to repeat. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
