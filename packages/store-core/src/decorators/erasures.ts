import { type Clock, type FeatureRow, type FeatureView, isLarderError } from "@larder/schema";
import { type Call, timedOut } from "../call.ts";
import { ERASURE_INDEX } from "../erasure/erasure-record.ts";
import type { ErasureSettings, ErasureWatch } from "../erasure/erasure-watch.ts";
import { encodeEntityKey } from "../keys/entity-key.ts";
import type { OnlineStore, WriteOutcome, WriteResult } from "../online-store.ts";
import { refuseBadRows } from "../plan/write-plan.ts";
import type { MetaScope } from "../row-store.ts";
import { ForwardingStore } from "./forwarding-store.ts";

/** What {@link withErasures} needs. */
export interface ErasureParts {
  readonly watch: ErasureWatch;
  readonly settings: ErasureSettings;
  readonly clock: Clock;
}

/**
 * Keeps rows of erased entities from being written: a row with an event time up to the erasure is `stale`, as if a tombstone of that time were
 * stored. A write begins only while the lease on what is known of erasures lasts, and is given up after `writeMs`; so a process that was told of
 * nothing still writes none of them `leaseMs + writeMs` after the erasure. See docs/adr/0007-erasure.md.
 */
export function withErasures(inner: OnlineStore, parts: ErasureParts): OnlineStore {
  return new ErasureStore(inner, parts);
}

class ErasureStore extends ForwardingStore {
  readonly #parts: ErasureParts;

  constructor(inner: OnlineStore, parts: ErasureParts) {
    super(inner);
    this.#parts = parts;
  }

  override async write(view: FeatureView, rows: readonly FeatureRow[], call: Call): Promise<WriteResult> {
    if (rows.length === 0) return this.inner.write(view, rows, call);
    const { watch, clock } = this.#parts;
    const erased = await watch.current(call.tenant, call);
    if (erased.count === 0) return this.#writeInTime(view, rows, call);
    const kept: FeatureRow[] = [];
    const origin: number[] = [];
    for (const [index, row] of rows.entries()) {
      const erasedAt = erased.erasedAt(view, encodeEntityKey(view, row.entityKey));
      if (erasedAt !== undefined && row.eventTime <= erasedAt) continue;
      kept.push(row);
      origin.push(index);
    }
    if (kept.length === rows.length) return this.#writeInTime(view, rows, call);
    // All rows are judged before some of them go, so that a refusal names them by their places in the whole write.
    refuseBadRows(view, rows, clock.now());
    const result = await this.#writeInTime(view, kept, call);
    const outcomes: WriteOutcome[] = new Array(rows.length).fill("stale");
    for (const [index, outcome] of result.outcomes.entries()) outcomes[origin[index] as number] = outcome;
    return { ...result, outcomes, stale: result.stale + rows.length - kept.length };
  }

  /** What this process itself erases holds in it at once. */
  override async putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined> {
    const revision = await this.inner.putMeta(scope, name, bytes, expected, call);
    if (name === ERASURE_INDEX && scope.tenant !== undefined && revision !== undefined) {
      await this.#parts.watch.refresh(scope.tenant, call);
    }
    return revision;
  }

  async #writeInTime(view: FeatureView, rows: readonly FeatureRow[], call: Call): Promise<WriteResult> {
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(), this.#parts.settings.writeMs);
    const follow = () => end.abort(call.signal?.reason);
    if (call.signal?.aborted === true) follow();
    call.signal?.addEventListener("abort", follow);
    try {
      return await this.inner.write(view, rows, { ...call, signal: end.signal });
    } catch (error) {
      if (end.signal.aborted && call.signal?.aborted !== true && isLarderError(error, "ABORTED"))
        throw timedOut("The write");
      throw error;
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", follow);
    }
  }
}
