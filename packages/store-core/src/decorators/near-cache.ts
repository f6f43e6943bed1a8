import {
  type Clock,
  type Definitions,
  type FeatureRow,
  type FeatureView,
  findTenant,
  isLarderError,
} from "@larder/schema";
import { type Call, refuseEnded, storeClosed } from "../call.ts";
import { type NearCacheUse, nearCacheUses, type StoreSignal, storeSignals } from "../diagnostics.ts";
import type { ErasureWatch } from "../erasure/erasure-watch.ts";
import { encodeEntityKey } from "../keys/entity-key.ts";
import type { OnlineStore, ReadOptions, ResetOptions, ResetScope, WriteResult } from "../online-store.ts";
import { judgeCells } from "../plan/check-cells.ts";
import type { FeatureBatch } from "../plan/feature-batch.ts";
import { createPackedBatch } from "../plan/packed-feature-batch.ts";
import type { EntityKeys, PlanView, ReadPlan } from "../plan/read-plan.ts";
import type { ViewCells } from "../plan/view-cells.ts";
import type { FreshnessSignal, Subscription } from "../signals/signals.ts";
import { ForwardingStore } from "./forwarding-store.ts";
import { ageAgain, mergeCells, takeRows } from "./near-cache-cells.ts";
import { type KnownRow, type ReadStart, RowMemory, type ViewMemory } from "./row-memory.ts";
import { type SharedRead, SharedReads } from "./shared-reads.ts";
import { Spoilage } from "./spoilage.ts";

/** What {@link withNearCache} needs. */
export interface NearCacheParts {
  readonly definitions: Definitions;
  readonly clock: Clock;
  /** What is not to be answered any more. */
  readonly erasures: ErasureWatch;
  /** Most bytes of rows and bookkeeping; the longest unused go first. */
  readonly maxBytes: number;
  /** Longest time, in microseconds, that a row is answered after the read that brought it. */
  readonly maxAge: number;
}

/**
 * Answers reads from rows, and absences, that were read no longer than `maxAge` ago, and asks the store for the rest; of equal reads at once one
 * asks. What the store's signals name is forgotten, a view at a time where they name too much or there is a gap; writes and resets through this store
 * forget at once. Whatever signals are lost, no row is older than `maxAge`. TTLs are judged at each read; the answer says of each row where it came
 * from and when it was read. See docs/adr/0009-near-cache.md.
 */
export function withNearCache(inner: OnlineStore, parts: NearCacheParts): OnlineStore {
  return new NearCacheStore(inner, parts);
}

class NearCacheStore extends ForwardingStore {
  readonly #parts: NearCacheParts;
  readonly #memory: RowMemory;
  readonly #spoilage = new Spoilage();
  readonly #shared = new SharedReads();
  /** By tenant, from its first read on. */
  readonly #subscriptions = new Map<string, Subscription>();
  #reported = 0;
  #closed = false;

  constructor(inner: OnlineStore, parts: NearCacheParts) {
    super(inner);
    this.#parts = parts;
    this.#memory = new RowMemory(parts.maxBytes);
    // Erasures are rare: what else goes with them is read again.
    parts.erasures.onChange((tenant) => {
      for (const view of parts.definitions.views.keys()) this.#flush(this.#memory.of(tenant, view));
    });
  }

  override async read(plan: ReadPlan, keys: EntityKeys, call: Call, options: ReadOptions = {}): Promise<FeatureBatch> {
    const { definitions, clock } = this.#parts;
    if (this.#closed) throw storeClosed();
    findTenant(definitions, call.tenant);
    refuseEnded(call);
    this.#parts.erasures.poll(call.tenant);
    const { rowCount } = keys;
    if (rowCount === 0) return this.inner.read(plan, keys, call, options);
    const start = { readAt: clock.now(), since: performance.now() };
    const found = this.#look(plan, keys, call.tenant, start);
    const missing = missingRows(found, rowCount);
    this.#report(call.tenant, { hits: rowCount - missing.length, misses: missing.length });
    const batch = { allowStale: options.allowStale === true, readAt: start.readAt, degraded: false };
    if (missing.length === 0) return createPackedBatch(plan, rowCount, this.#judge(plan, keys, found, call), batch);
    this.#listen(call.tenant);
    const all = missing.length === rowCount;
    const asked = all ? keys : takeRows(keys, missing);
    const { cells, started, joined } = await this.#ask(plan, asked, call, start);
    const onlineTtl = (view: FeatureView) => definitions.onlineTtl(view, call.tenant);
    // The one who asked may have done so when the clock showed less.
    const fresh = joined ? ageAgain(plan, cells, clock.now(), onlineTtl) : cells;
    if (all) return createPackedBatch(plan, rowCount, fresh, { ...batch, readAt: started.readAt });
    const present = presentRows(rowCount, missing);
    const hits = found.map((rows) => present.map((row) => rows[row] as KnownRow));
    const ended = { readAt: clock.now(), since: performance.now() };
    // What has grown too old while the rest was asked for is asked for as well.
    if (!hits.every((rows) => rows.every((row) => isYoung(row, ended, this.#parts.maxAge)))) {
      return this.inner.read(plan, keys, call, options);
    }
    const known = this.#judge(plan, takeRows(keys, present), hits, call);
    const parts = [
      { cells: known, rows: present, readAt: start.readAt },
      { cells: fresh, rows: missing, readAt: started.readAt },
    ];
    return createPackedBatch(plan, rowCount, mergeCells(rowCount, parts), batch);
  }

  override async write(view: FeatureView, rows: readonly FeatureRow[], call: Call): Promise<WriteResult> {
    try {
      return await this.inner.write(view, rows, call);
    } finally {
      // Also after a failure, which may have left some rows written.
      const memory = this.#memory.of(call.tenant, view.name);
      for (const { entityKey } of rows) this.#forget(memory, encodeEntityKey(view, entityKey));
    }
  }

  override async reset(scope: ResetScope, call: Call, options?: ResetOptions): Promise<number> {
    try {
      return await this.inner.reset(scope, call, options);
    } finally {
      const { tenant, view, entityKey } = scope;
      for (const name of view === undefined ? this.#parts.definitions.views.keys() : [view]) {
        const memory = this.#memory.of(tenant, name);
        if (entityKey === undefined) this.#flush(memory);
        else this.#forget(memory, entityKey);
      }
    }
  }

  override async close(): Promise<void> {
    this.#closed = true;
    this.#memory.clearAll();
    await Promise.all([...this.#subscriptions.values()].map((subscription) => subscription.return?.()));
    await super.close();
  }

  /** What is known and young enough, per view of the plan and entity row. */
  #look(plan: ReadPlan, keys: EntityKeys, tenant: string, now: ReadStart): (KnownRow | undefined)[][] {
    const { maxAge } = this.#parts;
    return plan.views.map(({ view, group }) => {
      const memory = this.#memory.of(tenant, view.name);
      const rows: (KnownRow | undefined)[] = new Array(keys.rowCount);
      if (memory.size === 0) return rows;
      const entityKeys = keys.groups[group] as readonly string[];
      for (let row = 0; row < rows.length; row++) {
        const known = this.#memory.find(memory, entityKeys[row] as string);
        if (known !== undefined && isYoung(known, now, maxAge)) rows[row] = known;
      }
      return rows;
    });
  }

  /** Judges remembered rows as fresh ones are: TTLs by the clock, schemas by their readers. */
  #judge(
    plan: ReadPlan,
    keys: EntityKeys,
    found: readonly (readonly (KnownRow | undefined)[])[],
    call: Call,
  ): ViewCells[] {
    const { definitions, clock } = this.#parts;
    const { rowCount } = keys;
    const cells = slicesOf(plan, rowCount, found);
    const readerOf = (view: FeatureView, fingerprint: number) => this.#memory.readerOf(view, fingerprint);
    const onlineTtl = (view: FeatureView) => definitions.onlineTtl(view, call.tenant);
    const input = { plan, keys, slices: cells, call, now: clock.now(), readerOf, onlineTtl };
    return judgeCells(input, new Set()).map((each, index) => {
      const readAts = new Float64Array(rowCount);
      for (let row = 0; row < rowCount; row++) readAts[row] = found[index]?.[row]?.readAt as number;
      return { ...each, sources: new Array(rowCount).fill("near_cache"), readAts };
    });
  }

  /** Asks the store, or shares the answer of an equal read under way that nothing has overtaken. */
  async #ask(plan: ReadPlan, keys: EntityKeys, call: Call, start: ReadStart) {
    const turn = this.#spoilage.now;
    const joins = (read: SharedRead) => read.turn === turn && isYoung(read.started, start, this.#parts.maxAge);
    return this.#shared.run(plan, keys, call, { started: start, turn }, joins, async (asking) => {
      const mark = this.#spoilage.begin();
      try {
        const batch = await this.inner.read(plan, keys, asking);
        const wanted = (memory: ViewMemory, key: string) => !this.#spoilage.since(mark, memory, key);
        if (!this.#closed) this.#memory.remember(batch, keys, call.tenant, start, wanted);
        return batch.cells;
      } finally {
        this.#spoilage.end();
      }
    });
  }

  /** Hears, from the first read of a tenant on, what others write. */
  #listen(tenant: string): void {
    if (!this.capabilities.signals || this.#subscriptions.has(tenant)) return;
    const subscription = this.inner.subscribe({ tenant }, { tenant });
    this.#subscriptions.set(tenant, subscription);
    void this.#follow(tenant, subscription);
  }

  async #follow(tenant: string, subscription: Subscription): Promise<void> {
    try {
      for await (const signal of subscription) this.#obey(signal);
    } catch (error) {
      // Nothing is heard from now on: rows go by their age alone.
      if (this.#closed || !storeSignals.hasSubscribers) return;
      const failed = isLarderError(error) ? error.code : "INTERNAL";
      const { project } = this.#parts.definitions;
      storeSignals.publish({ project, tenant, view: "", failed } satisfies StoreSignal);
    }
  }

  #obey(signal: FreshnessSignal): void {
    const memory = this.#memory.of(signal.tenant, signal.view);
    const keys = signal.kind === "moved" ? signal.entityKeys : undefined;
    if (keys === undefined) this.#flush(memory);
    else for (const key of keys) this.#forget(memory, key);
  }

  #forget(memory: ViewMemory, key: string): void {
    this.#spoilage.spoil(memory, key);
    this.#memory.drop(memory, key);
  }

  #flush(memory: ViewMemory): void {
    this.#spoilage.spoil(memory, undefined);
    if (this.#memory.clear(memory) > 0) this.#report(memory.tenant, { flushes: 1 });
  }

  #report(tenant: string, { hits = 0, misses = 0, flushes = 0 }): void {
    if (!nearCacheUses.hasSubscribers) return;
    const { bytes, evictions } = this.#memory;
    const { project } = this.#parts.definitions;
    const use: NearCacheUse = { project, tenant, hits, misses, flushes, evictions: evictions - this.#reported, bytes };
    this.#reported = evictions;
    nearCacheUses.publish(use);
  }
}

/** By both clocks: one that is set back must not keep a row. */
function isYoung({ readAt, since }: ReadStart, now: ReadStart, maxAge: number): boolean {
  const age = now.readAt - readAt;
  return age >= 0 && age <= maxAge && (now.since - since) * 1_000 <= maxAge;
}

/** Entity rows of which some view is not known. */
function missingRows(found: readonly (readonly (KnownRow | undefined)[])[], rowCount: number): number[] {
  const missing: number[] = [];
  for (let row = 0; row < rowCount; row++) {
    for (const rows of found) {
      if (rows[row] !== undefined) continue;
      missing.push(row);
      break;
    }
  }
  return missing;
}

function presentRows(rowCount: number, missing: readonly number[]): number[] {
  const absent = new Set(missing);
  return Array.from({ length: rowCount }, (_, row) => row).filter((row) => !absent.has(row));
}

/** Remembered rows in one buffer, in the order of a store's answer. */
function slicesOf(plan: ReadPlan, rowCount: number, found: readonly (readonly (KnownRow | undefined)[])[]) {
  let bytes = 0;
  for (const rows of found) for (const known of rows) bytes += known?.row?.length ?? 0;
  const buffer = Buffer.allocUnsafe(bytes);
  const cells = rowCount * plan.views.length;
  const slices = {
    buffers: new Array<Uint8Array | undefined>(cells),
    offsets: new Int32Array(cells),
    lengths: new Int32Array(cells).fill(-1),
  };
  const starts: number[] = [];
  let start = 0;
  for (const { views } of plan.groups) {
    starts.push(start);
    start += rowCount * views.length;
  }
  let at = 0;
  for (const [index, rows] of found.entries()) {
    const { group, position } = plan.views[index] as PlanView;
    const stride = plan.groups[group]?.views.length ?? 1;
    for (let row = 0; row < rowCount; row++) {
      const text = rows[row]?.row;
      if (text === undefined) continue;
      const cell = (starts[group] as number) + row * stride + position;
      buffer.write(text, at, "latin1");
      slices.buffers[cell] = buffer;
      slices.offsets[cell] = at;
      slices.lengths[cell] = text.length;
      at += text.length;
    }
  }
  return slices;
}
