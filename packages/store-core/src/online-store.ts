import type { FeatureRow, FeatureView, OnStoreFailure } from "@larder/schema";
import type { Call } from "./call.ts";
import type { FeatureBatch } from "./plan/feature-batch.ts";
import type { EntityKeys, ReadPlan } from "./plan/read-plan.ts";
import type { MetaScope, MetaValue, RowScope } from "./row-store.ts";
import type { SignalScope, Subscription } from "./signals/signals.ts";

/**
 * The contract of an online store. A row belongs to (project, tenant, feature view, entity key) and carries event time, created time and
 * values. The rules, each held by a suite of `@larder/store-core/conformance` on every store:
 *
 * 1. **Newest wins**, by a total order: event time, created time (absent sorts below every value), tombstone over row, packed bytes as unsigned
 *    bytes. A write is applied iff it is greater than the stored row; comparison and write are one atomic step. A tie broken by bytes counts as
 *    a conflict.
 * 2. **Tombstone.** A deletion is a row without values; it takes part in rule 1, reads NOT_FOUND, and lives as long as any row it could beat:
 *    event time + online TTL + keep_stale, or without a TTL the view's tombstone retention.
 * 3. **null is a value** (NULL_VALUE); 0, false, "" and an empty list are values. A write replaces its view's row as a whole. A row that lacks
 *    a declared feature is refused unless the view says `partial_rows: absent`; absent features read NOT_FOUND.
 * 4. **TTL counts from event time.** At `now > event time + online TTL` a row reads OUTSIDE_MAX_AGE (the boundary itself is PRESENT) for at
 *    least keep_stale, then it may read NOT_FOUND. A row already past both at its write is not stored (`expired`).
 * 5. **The future is refused.** An event time more than max_future ahead of now rejects the whole write with INVALID_ROWS, naming the rows.
 * 6. **The batch is the primitive.** N entity keys x M views is one round trip per shard; order of results = order of the request; repeats
 *    allowed; empty in, empty out. A failed shard fails the call. A row that cannot be decoded reads INVALID; the others are answered.
 * 7. **Tenants never meet.** Reset and scan touch exactly one (project, tenant[, view[, entity]]).
 * 8. **Schema travels with the row.** Gained, lost and reordered features decode right in old and new processes; a retyped feature reads NOT_FOUND.
 * 9. **Close** ends every connection and timer; later calls fail with STORE_CLOSED.
 */
export interface OnlineStore {
  readonly capabilities: OnlineStoreCapabilities;

  /**
   * Reads the plan's features for every entity row. The batch withholds values that are OUTSIDE_MAX_AGE unless `options.allowStale`.
   * @throws STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_CLOSED, ABORTED
   */
  read(plan: ReadPlan, keys: EntityKeys, call: Call, options?: ReadOptions): Promise<FeatureBatch>;

  /**
   * Writes rows of one view; `result.outcomes[i]` tells what became of `rows[i]`. A failure may leave some rows written: repeating the call is
   * safe (rule 1).
   * @throws INVALID_ROWS before anything is written; STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_CLOSED, ABORTED
   */
  write(view: FeatureView, rows: readonly FeatureRow[], call: Call): Promise<WriteResult>;

  /**
   * Removes the rows of a scope and the positions kept for it (materialize, checkpoints), never schemas. Answers the number of rows. Works in bounded
   * steps and leaves the store to others in between. One that is stopped anywhere has lost no position that later runs rely on, and repeating it
   * finishes it.
   */
  reset(scope: ResetScope, call: Call, options?: ResetOptions): Promise<number>;

  /** Every row of a scope, decoded, in no stated order. Rows past their TTL and tombstones included; undecodable rows carry `row: undefined`. */
  scan(scope: ResetScope, call: Call): AsyncIterable<ScannedFeatureRow>;

  /** Named blobs that live in the store and move with it: applied definitions, positions, checkpoints. See RowStore. */
  getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined>;
  putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined>;
  deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void>;

  /**
   * Word of every write to a scope, from any process: per view, in order, at most once, and bundled, so that what many writes did may be one signal. A
   * signal that is lost shows as a gap. Whoever needs to be right waits for no signal: a writer that dies may leave rows that none announces.
   * The watermark behind it is meta (`readWatermark`).
   * @throws (when iterated) UNSUPPORTED without `capabilities.signals`, STORE_MISCONFIGURED without the right, UNKNOWN_TENANT, UNKNOWN_VIEW,
   * STORE_CLOSED, ABORTED, STORE_TIMEOUT; a lost connection is a gap, and it comes back by itself
   */
  subscribe(scope: SignalScope, call: Call): Subscription;

  /** One cheap round trip. @throws STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_CLOSED */
  ping(call: Call): Promise<void>;

  /** Ends every connection, thread and timer. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How stores differ; a difference is a capability, never a name. */
export interface OnlineStoreCapabilities {
  /** Keeps created times; without it an equal event time is skipped. */
  readonly createdTime: boolean;
  /** Serves tenants besides `default`. */
  readonly tenants: boolean;
  /** Rows outlive the process. */
  readonly durable: boolean;
  /** Says what was written to whoever subscribes. */
  readonly signals: boolean;
}

/** Options of a read. */
export interface ReadOptions {
  /** Hand out values that are OUTSIDE_MAX_AGE, with that status. Default false. */
  readonly allowStale?: boolean;
  /** What to answer when the store fails or misses its deadline. Default: fail. Kept by the last-known-good decorator; without it, always fail. */
  readonly onFailure?: OnStoreFailure;
}

/** Options of a reset. */
export interface ResetOptions {
  /** Told now and then how many rows are gone. */
  readonly onRemoved?: (rows: number) => void;
}

/** What became of one row. */
export type WriteOutcome = "applied" | "duplicate" | "stale" | "expired";

/** What became of a write. */
export interface WriteResult {
  readonly outcomes: readonly WriteOutcome[];
  readonly applied: number;
  readonly duplicate: number;
  readonly stale: number;
  readonly expired: number;
  /** Rows, applied or stale, that met a stored row of the same times and kind and different bytes. */
  readonly conflict: number;
}

/** A reset or scan names a tenant, and optionally a view of it and an entity. */
export type ResetScope = Omit<RowScope, "project">;

/** A stored row, decoded against its own schema. */
export interface ScannedFeatureRow {
  readonly view: string;
  readonly entityKey: string;
  readonly row: FeatureRow | undefined;
  /** Why there is no `row`. */
  readonly fault?: ScanFault;
  /** Names of the view's features that the row has under another type, which are read as absent. None: not there. */
  readonly retyped?: readonly string[];
  /** Names of the view's features that the row's schema does not have: they were added after it was written. None: not there. */
  readonly lacking?: readonly string[];
}

/**
 * Why a stored row cannot be read for its view: no such view is declared; its schema is not in the store; it was written for other join keys; its
 * bytes are no whole row.
 */
export type ScanFault = "unknown_view" | "unknown_schema" | "other_entity" | "broken";
