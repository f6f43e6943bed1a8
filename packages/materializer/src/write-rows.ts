import type { FeatureRow, FeatureView } from "@larder/schema";
import type { OnlineStore, WriteResult } from "@larder/store-core";
import { withRetries } from "./retry.ts";

/** Where rows go. */
export interface WriteTarget {
  readonly store: OnlineStore;
  readonly view: FeatureView;
  readonly tenant: string;
  readonly signal?: AbortSignal | undefined;
  /** Waits between attempts while the store is away; default: 8 waits, about 25 s in all. */
  readonly retryDelaysMs?: readonly number[] | undefined;
}

/** A chunk is much more than a request: it gets longer than the store's own deadline. Milliseconds. */
const WRITE_DEADLINE_MS = 30_000;

/**
 * Writes a chunk of decoded rows, again while the store is away for a moment.
 * @throws STORE_TIMEOUT, STORE_UNAVAILABLE when it stays away; ABORTED
 */
export function writeRows(target: WriteTarget, rows: readonly FeatureRow[]): Promise<WriteResult> {
  const { store, view, tenant, signal } = target;
  const call = () => ({
    tenant,
    deadline: performance.now() + WRITE_DEADLINE_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  return withRetries(() => store.write(view, rows, call()), signal, target.retryDelaysMs);
}
