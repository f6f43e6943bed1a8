import type { ErrorCode, ErrorFacts, Problem } from "@larder/schema";
import type { HistoricalRun } from "@larder/serving";
import type { LateRows, LatestRowsChunk } from "@larder/training-features";

/** What the thread is started with: enough to load the definitions that the server runs on, and to see that they are those. */
export interface OfflineStart {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hash: string;
  /** Folder of the offline store. */
  readonly folder: string;
}

/** Works of the thread, one at a time: a reading or a join is opened, asked for what comes next until there is nothing, and stopped. */
export type OfflineWork =
  | { readonly kind: "fingerprint"; readonly view: string; readonly tenant: string }
  | { readonly kind: "open"; readonly reading: Reading }
  | { readonly kind: "join"; readonly join: Join }
  | { readonly kind: "next" }
  | { readonly kind: "stop" };

/** A request for latest rows in what can be sent to a thread. */
export interface Reading {
  readonly view: string;
  readonly tenant: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly late: LateRows | undefined;
  readonly chunkRows: number | undefined;
  readonly after: string | undefined;
}

/** A join in what can be sent to a thread. */
export interface Join extends Omit<HistoricalRun, "signal"> {
  readonly maxRows: number;
  readonly memoryLimitBytes: number;
  readonly spillLimitBytes: number;
}

/** What the thread is told; `abort` is not answered, but the work under way then fails. */
export type OfflineRequest = OfflineWork | { readonly kind: "abort" };

/** What a work is answered with. */
export type OfflineAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "fingerprint"; readonly fingerprint: string }
  | { readonly kind: "chunk"; readonly chunk: LatestRowsChunk }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "failed"; readonly failure: OfflineFailure };

/** An error of Larder's without its class, which does not travel. */
export interface OfflineFailure {
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
  readonly facts: ErrorFacts;
  readonly retryable: boolean;
  readonly problems: readonly Problem[];
}
