import type { Call } from "./call.ts";
import type { Pace } from "./upkeep/pace.ts";

/**
 * The port of a backend: keeps opaque rows, each under (project, tenant, view, entity key), and knows nothing of features.
 * {@link PackedOnlineStore} makes it the typed OnlineStore, so encoding, schemas, TTL and statuses are written once, above this line.
 *
 * Rules every backend keeps (the conformance suite states them as tests):
 * - Keys are exact: two different quadruples never share a row, whatever characters they hold.
 * - `putIfNewer` is atomic per row: comparison and write are one step in the backend, so any writers in any order leave the same row.
 * - Order of results = order of the request; repeats are allowed; empty in, empty out. A failed shard fails the call; nothing is half answered.
 * - Rows leave by `removeRows`, `deleteScope` and, with `expiresRows`, at or after their `expiresAt`; what a backend leaves lying beyond that (a dead
 *   view in a hash that another view keeps alive, any row where nothing expires) reads as its TTL says and is for upkeep/sweep-rows.ts to remove.
 * - Every wait ends at `call.deadline` or when `call.signal` aborts; after `close` every method rejects with STORE_CLOSED.
 */
export interface RowStore {
  readonly capabilities: RowStoreCapabilities;

  /** Reads entity keys x views in one round trip per shard. `scope.tenant` and `call.tenant` are the same. */
  get(request: RowGet, call: Call): Promise<RowSlices>;

  /** Writes rows of one view, each iff it is greater than the stored one. At most `capabilities.maxBatchRows` rows; a key may repeat. */
  putIfNewer(scope: ViewScope, rows: readonly StoredRow[], call: Call): Promise<readonly PutOutcome[]>;

  /** Every row of a scope, in no stated order, in bounded pages. Rows written or removed meanwhile may or may not be seen. */
  scan(scope: RowScope, call: Call): AsyncIterable<ScannedRow>;

  /** Removes the rows of exactly one scope, in bounded steps, and says how many rows went. Meta is not touched. */
  deleteScope(scope: RowScope, call: Call): Promise<number>;

  /**
   * Some rows of a project for upkeep, and where to go on: `cursor` is undefined at the beginning and `next` at the end. A page may be empty before
   * the end. A cursor may be kept and used by another process later. A row that stays where it is during a whole walk is seen, maybe twice.
   */
  page(scope: PageScope, cursor: string | undefined, call: Call): Promise<RowPage>;

  /**
   * Removes rows of one view, each iff its stored bytes are still these; comparison and removal are one atomic step, so that a newer write is never
   * lost. Answers for each whether it went. At most `capabilities.maxBatchRows` rows.
   */
  removeRows(
    scope: ViewScope,
    rows: readonly Pick<StoredRow, "entityKey" | "bytes">[],
    call: Call,
  ): Promise<readonly boolean[]>;

  /**
   * What the rows of each tenant of a project take, by a walk of the store that rests between its steps. `call.deadline` bounds the whole; without
   * one each step has the store's own.
   */
  measure(project: string, pace: Pace, call: Call): Promise<ReadonlyMap<string, RowUsage>>;

  /** A named blob beside the rows, with a revision that changes at every put; undefined when there is none. */
  getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined>;

  /** Writes it iff its revision is still `expected` (undefined: iff it does not exist). Answers the new revision, or undefined on conflict. */
  putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined>;

  /** Removes one named blob; no error when there is none. */
  deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void>;

  /** One cheap round trip. */
  ping(call: Call): Promise<void>;

  /** Ends every connection, thread and timer. Safe to call twice. */
  close(): Promise<void>;
}

/** How backends differ; never asked by name. */
export interface RowStoreCapabilities {
  /** Most rows one `putIfNewer` takes. */
  readonly maxBatchRows: number;
  /** The backend removes rows by itself at or after `expiresAt`. */
  readonly expiresRows: boolean;
  /** Rows outlive the process. */
  readonly durable: boolean;
}

/** One tenant of one project, optionally one view of it, optionally one entity. */
export interface RowScope {
  readonly project: string;
  readonly tenant: string;
  readonly view?: string;
  /** Encoded by keys/entity-key.ts. */
  readonly entityKey?: string;
}

/** One project, optionally one tenant of it, optionally one view. */
export interface PageScope {
  readonly project: string;
  readonly tenant?: string | undefined;
  readonly view?: string | undefined;
}

/** Some rows, and where to go on. */
export interface RowPage {
  readonly rows: readonly PagedRow[];
  readonly next: string | undefined;
}

/** A row with its tenant. */
export interface PagedRow extends ScannedRow {
  readonly tenant: string;
}

/** What rows take. */
export interface RowUsage {
  /** By the backend's own account: in Redis what MEMORY USAGE says, elsewhere the sizes of rows and keys. */
  readonly bytes: number;
  /** Things that were counted: entities in Redis, rows elsewhere. */
  readonly count: number;
  /** Most relative error of `bytes` to be expected; 0 for an exact sum. */
  readonly error: number;
}

/** One view of one tenant. */
export interface ViewScope {
  readonly project: string;
  readonly tenant: string;
  readonly view: string;
}

/** Meta belongs to a project, a tenant of it, or a view of that. */
export interface MetaScope {
  readonly project: string;
  readonly tenant?: string;
  readonly view?: string;
}

/** A read: groups of views that share their entity keys. */
export interface RowGet {
  readonly project: string;
  readonly tenant: string;
  readonly groups: readonly RowGroup[];
}

/** Every entity key (encoded by keys/entity-key.ts, plain ASCII) is read in every view. */
export interface RowGroup {
  readonly views: readonly string[];
  readonly entityKeys: readonly string[];
}

/**
 * The rows of a read as slices of the buffers they arrived in, so that a reply is decoded in place. Cell order: group by group, in a group
 * entity key by entity key, per entity key view by view. `length[i]` is -1 where there is no row; cells may share a buffer.
 */
export interface RowSlices {
  readonly buffers: readonly (Uint8Array | undefined)[];
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
}

/** A row on its way in. Times are microseconds since the epoch. */
export interface StoredRow {
  readonly entityKey: string;
  readonly eventTime: number;
  readonly createdTime: number | undefined;
  /** The backend may drop the row from this time on; undefined = never. */
  readonly expiresAt: number | undefined;
  readonly tombstone: boolean;
  /** Opaque, but ordered: of two rows of one key the greater, compared as unsigned bytes, is the newer (row/row-codec.ts). */
  readonly bytes: Uint8Array;
}

/** A row on its way out of a scan. */
export interface ScannedRow {
  readonly view: string;
  readonly entityKey: string;
  readonly bytes: Uint8Array;
}

/**
 * What became of a row: `applied` (it was greater), `duplicate` (byte-equal to the stored row), `stale` (smaller). `…_conflict`: same times and
 * kind as the stored row, so that only the bytes decided.
 */
export type PutOutcome = "applied" | "applied_conflict" | "duplicate" | "stale" | "stale_conflict";

/** A meta blob and its revision. */
export interface MetaValue {
  readonly bytes: Uint8Array;
  readonly revision: string;
}
