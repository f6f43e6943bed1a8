import { createHash } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import type { Call } from "./call.ts";

/** A stored row that could not be used. `keyHash` is the first 12 hex digits of the entity key's SHA-256: enough to find it, nothing to leak. */
export interface RowFault {
  readonly kind: "invalid" | "schema_mismatch";
  readonly project: string;
  readonly tenant: string;
  readonly view: string;
  readonly keyHash: string;
  /** For `schema_mismatch`: the features stored under another type; empty when the whole row belongs to another entity. */
  readonly features: readonly string[];
}

/** One finished call of a store. */
export interface StoreCall {
  readonly operation: "read" | "write";
  readonly tenant: string;
  readonly views: readonly string[];
  readonly rows: number;
  readonly milliseconds: number;
  /** Code of the error it failed with. */
  readonly failed: string | undefined;
}

/** One attempt to tell subscribers of a view's rows. */
export interface StoreSignal {
  readonly project: string;
  readonly tenant: string;
  readonly view: string;
  /** Code of the error that kept it from being sent, or from being heard. */
  readonly failed: string | undefined;
}

/** Publishes a {@link StoreSignal} per freshness signal. */
export const storeSignals = channel("larder:store:signal");

/** What a near cache did: since the report before, but for `bytes`, which are what it holds now. */
export interface NearCacheUse {
  readonly project: string;
  readonly tenant: string;
  /** Entity rows answered from it, and asked of the store. */
  readonly hits: number;
  readonly misses: number;
  /** Rows that went for want of room, whoever's. */
  readonly evictions: number;
  /** Views that were forgotten as a whole. */
  readonly flushes: number;
  readonly bytes: number;
}

/** Publishes a {@link NearCacheUse} per read and flush. */
export const nearCacheUses = channel("larder:store:near-cache");

/** Publishes a {@link RowFault} per row and read. */
export const rowFaults = channel("larder:store:row-fault");

/** Publishes a {@link StoreCall} per read and write. */
export const storeCalls = channel("larder:store:call");

/** Runs a call of a store and publishes how it went. */
export function timed<T>(
  operation: "read" | "write",
  call: Call,
  views: () => readonly string[],
  rows: number,
  run: () => Promise<T>,
): Promise<T> {
  return storeCalls.hasSubscribers ? published(operation, call, views(), rows, run) : run();
}

async function published<T>(
  operation: "read" | "write",
  call: Call,
  views: readonly string[],
  rows: number,
  run: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  let failed: string | undefined;
  try {
    return await run();
  } catch (error) {
    failed = error instanceof Error && "code" in error ? String(error.code) : "INTERNAL";
    throw error;
  } finally {
    const milliseconds = performance.now() - start;
    storeCalls.publish({ operation, tenant: call.tenant, views, rows, milliseconds, failed } satisfies StoreCall);
  }
}

/** What stands for an entity key in logs and events. */
export function hashKey(entityKey: string): string {
  return createHash("sha256").update(entityKey).digest("hex").slice(0, 12);
}
