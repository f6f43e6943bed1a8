import type { PutOutcome, ViewScope } from "../../row-store.ts";

/** What the writer thread is started with. It imports no package, so that it runs from source and from dist alike. */
export interface WriterStart {
  readonly path: string;
  /** Milliseconds to wait for other processes while the file is opened. */
  readonly openWaitMs: number;
  /** Leading bytes of a row that hold its times and kind. */
  readonly orderPrefix: number;
}

/** One change of the file: one transaction. */
export type WriterWork =
  | {
      readonly kind: "put";
      readonly scope: ViewScope;
      readonly entityKeys: readonly string[];
      /** The rows' bytes, one after the other; row `i` ends before `ends[i]`. */
      readonly bytes: Uint8Array;
      readonly ends: Int32Array;
      /** Microseconds since the epoch; NaN = never. */
      readonly expiresAt: Float64Array;
      /** Rows that expired before this time may be swept. */
      readonly sweepBefore: number;
    }
  | {
      readonly kind: "deleteRows";
      readonly scope: ViewScope;
      readonly entityKey: string | undefined;
      readonly limit: number;
    }
  | {
      readonly kind: "removeRows";
      readonly scope: ViewScope;
      readonly entityKeys: readonly string[];
      /** What each row must still be. */
      readonly bytes: readonly Uint8Array[];
    }
  | {
      readonly kind: "putMeta";
      readonly scope: string;
      readonly name: string;
      readonly bytes: Uint8Array;
      readonly expected: string | undefined;
      readonly revision: string;
    }
  | { readonly kind: "deleteMeta"; readonly scope: string; readonly name: string };

/** What each kind of work answers. */
export interface WriterAnswers {
  readonly put: readonly PutOutcome[];
  /** Number of rows removed. */
  readonly deleteRows: number;
  /** Whether each row went. */
  readonly removeRows: readonly boolean[];
  /** Whether the entry was written. */
  readonly putMeta: boolean;
  readonly deleteMeta: undefined;
}

/** Work on its way to the thread; `deadline` in milliseconds of `process.hrtime`, which all threads of a process share. */
export interface WriterRequest {
  readonly id: number;
  readonly deadline: number;
  readonly work: WriterWork;
}

/** How SQLite failed, as data: errors lose their class and their fields between threads. */
export interface SqliteFailure {
  /** SQLite's extended result code; undefined when it is not SQLite that failed. */
  readonly errcode: number | undefined;
  readonly message: string;
}

/** What the thread says. The first message is `opened` or `refused`. */
export type WriterMessage =
  | { readonly kind: "opened" }
  | {
      readonly kind: "refused";
      readonly reason: "foreign" | "newer" | "no_wal" | "failed";
      readonly failure: SqliteFailure;
    }
  | { readonly kind: "done"; readonly id: number; readonly answer: WriterAnswers[keyof WriterAnswers] }
  | { readonly kind: "timeout"; readonly id: number }
  | { readonly kind: "failed"; readonly id: number; readonly failure: SqliteFailure };

/** Milliseconds on a line that does not jump and that all threads share. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
