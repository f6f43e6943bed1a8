import { setImmediate as yieldTurn } from "node:timers/promises";
import {
  type Clock,
  type Definitions,
  type FeatureView,
  isLarderError,
  MAX_ONLINE_MICROS,
  type OnStoreFailure,
} from "@larder/schema";
import type { Call } from "../call.ts";
import type { ErasureWatch } from "../erasure/erasure-watch.ts";
import { encodeSegment } from "../keys/segment.ts";
import type { OnlineStore, ReadOptions } from "../online-store.ts";
import { judgeCells } from "../plan/check-cells.ts";
import { type FeatureBatch, FieldStatus } from "../plan/feature-batch.ts";
import { createPackedBatch } from "../plan/packed-feature-batch.ts";
import type { EntityKeys, PlanView, ReadPlan } from "../plan/read-plan.ts";
import type { RowSource, ViewCells } from "../plan/view-cells.ts";
import { createRowEncoder } from "../row/row-encoder.ts";
import { layoutOf } from "../row/row-layout.ts";
import { createRowReader, type RowReader, readFingerprint, readHeader, rowBytes } from "../row/row-reader.ts";
import { encodeSchema, fingerprintOf, schemaOf } from "../row/row-schema.ts";
import { ForwardingStore } from "./forwarding-store.ts";

/** What {@link withLastKnownGood} needs. */
export interface LastKnownGoodParts {
  readonly definitions: Definitions;
  readonly clock: Clock;
  /** What is not to be answered any more. */
  readonly erasures: ErasureWatch;
  /** Most bytes remembered, rows and bookkeeping; the longest unread go first. */
  readonly maxBytes: number;
}

/**
 * Remembers what reads returned, absent rows too, and answers from it when the store fails or misses its deadline, as the read's `onFailure` says:
 * `stale` takes what was read within `maxAge`, a key with nothing known follows `otherwise`; `defaults` takes the features' defaults; `fail`
 * passes the error on. TTLs hold as ever; what was erased is known to be gone, at most a lease later while there are reads. The answer says so: `degraded`, and per row where it came from and when it was read. Writes never degrade.
 */
export function withLastKnownGood(inner: OnlineStore, parts: LastKnownGoodParts): OnlineStore {
  return new LastKnownGoodStore(inner, parts);
}

/** Rough cost of an entry besides its key and row: Map slot, object, buffer header. */
const ENTRY_BYTES = 200;

/** Entries looked at for erased ones before other work gets its turn. */
const SWEEP_STEP = 500;

interface Known {
  /** undefined: there was no row to be had. */
  readonly bytes: Buffer | undefined;
  readonly readAt: number;
  readonly size: number;
}

/** One cell of a degraded answer. */
interface Substitute {
  readonly bytes: Uint8Array | undefined;
  readonly source: RowSource;
  readonly readAt: number;
}

class LastKnownGoodStore extends ForwardingStore {
  readonly #parts: LastKnownGoodParts;
  /** In order of use, the longest unused first. */
  readonly #known = new Map<string, Known>();
  #size = 0;
  /** Readers of the remembered rows: every schema that was met, per view. */
  readonly #readers = new Map<string, RowReader>();
  readonly #defaults = new WeakMap<FeatureView, Uint8Array>();

  constructor(inner: OnlineStore, parts: LastKnownGoodParts) {
    super(inner);
    this.#parts = parts;
    parts.erasures.onChange((tenant) => void this.#sweep(tenant));
  }

  override async read(plan: ReadPlan, keys: EntityKeys, call: Call, options: ReadOptions = {}): Promise<FeatureBatch> {
    const readAt = this.#parts.clock.now();
    this.#parts.erasures.poll(call.tenant);
    try {
      const batch = await this.inner.read(plan, keys, call, options);
      this.#remember(batch, keys, call.tenant, readAt);
      return batch;
    } catch (error) {
      const { onFailure } = options;
      if (onFailure === undefined || onFailure.policy === "fail") throw error;
      if (!isLarderError(error, "STORE_UNAVAILABLE", "STORE_TIMEOUT")) throw error;
      return this.#answer(plan, keys, call, options, onFailure, error);
    }
  }

  override async close(): Promise<void> {
    this.#known.clear();
    this.#size = 0;
    await super.close();
  }

  #remember({ plan, rowCount, cells }: FeatureBatch, keys: EntityKeys, tenant: string, readAt: number): void {
    for (const [index, planView] of plan.views.entries()) {
      const { status, bytes, offsets, lengths, readers } = cells[index] as ViewCells;
      const prefix = prefixOf(tenant, planView.view);
      const entityKeys = keys.groups[planView.group] ?? [];
      for (let row = 0; row < rowCount; row++) {
        const from = bytes[row];
        // Bytes that could not be read are not worth remembering; what was known before stays.
        if (status[row] === FieldStatus.INVALID) continue;
        const at = offsets[row] as number;
        const copy =
          from === undefined ? undefined : Buffer.from(from.buffer.subarray(at, at + (lengths[row] as number)));
        const reader = readers[row];
        if (copy !== undefined && reader !== undefined) {
          this.#readers.set(readerKey(planView.view, readFingerprint(rowBytes(copy).view, 0)), reader);
        }
        this.#put(prefix + (entityKeys[row] as string), copy, readAt);
      }
    }
  }

  #put(key: string, bytes: Buffer | undefined, readAt: number): void {
    // A read that began earlier and ended later does not undo what is known since.
    if ((this.#known.get(key)?.readAt ?? readAt) > readAt) return;
    const size = ENTRY_BYTES + key.length + (bytes?.length ?? 0);
    this.#drop(key);
    this.#known.set(key, { bytes, readAt, size });
    this.#size += size;
    while (this.#size > this.#parts.maxBytes) this.#drop(this.#known.keys().next().value as string);
  }

  #drop(key: string): void {
    this.#size -= this.#known.get(key)?.size ?? 0;
    this.#known.delete(key);
  }

  #answer(
    plan: ReadPlan,
    keys: EntityKeys,
    call: Call,
    options: ReadOptions,
    onFailure: Exclude<OnStoreFailure, { policy: "fail" }>,
    error: unknown,
  ): FeatureBatch {
    const { definitions, clock } = this.#parts;
    const now = clock.now();
    const substitutes = plan.groups.map((group, index) =>
      (keys.groups[index] ?? []).flatMap((key) =>
        group.views.map((view) => this.#substitute({ tenant: call.tenant, view, key }, now, onFailure, error)),
      ),
    );
    const flat = substitutes.flat();
    const slices = {
      buffers: flat.map(({ bytes }) => bytes),
      offsets: new Int32Array(flat.length),
      lengths: Int32Array.from(flat, ({ bytes }) => bytes?.byteLength ?? -1),
    };
    const readerOf = (view: FeatureView, fingerprint: number) => this.#readers.get(readerKey(view, fingerprint));
    const onlineTtl = (view: FeatureView) => definitions.onlineTtl(view, call.tenant);
    const judged = judgeCells({ plan, keys, slices, call, now, readerOf, onlineTtl }, new Set());
    const cells = judged.map((each, index) => {
      const { group, position } = plan.views[index] as PlanView;
      const views = plan.groups[group]?.views.length ?? 1;
      const own = substitutes[group]?.filter((_, cell) => cell % views === position) ?? [];
      return {
        ...each,
        sources: own.map(({ source }) => source),
        readAts: Float64Array.from(own, ({ readAt }) => readAt),
      };
    });
    const batch = { allowStale: options.allowStale === true, readAt: now, degraded: true };
    return createPackedBatch(plan, keys.rowCount, cells, batch);
  }

  #substitute(
    { tenant, view, key }: { readonly tenant: string; readonly view: FeatureView; readonly key: string },
    now: number,
    onFailure: Exclude<OnStoreFailure, { policy: "fail" }>,
    error: unknown,
  ): Substitute {
    if (onFailure.policy === "stale") {
      const known = this.#withoutErased(tenant, view, key);
      if (known !== undefined && now - known.readAt <= onFailure.maxAge) {
        return { bytes: known.bytes, source: "last_known_good", readAt: known.readAt };
      }
      if (onFailure.otherwise === "fail") throw error;
    }
    return { bytes: this.#defaultRow(view), source: "default", readAt: now };
  }

  /** What is known of an entity; a row that was erased since is known to be gone. */
  #withoutErased(tenant: string, view: FeatureView, entityKey: string): Known | undefined {
    const key = prefixOf(tenant, view) + entityKey;
    const known = this.#known.get(key);
    if (known?.bytes === undefined) return known;
    const erasedAt = this.#parts.erasures.known(tenant).erasedAt(view, entityKey);
    if (erasedAt === undefined || readHeader(rowBytes(known.bytes).view, 0).eventTime > erasedAt) return known;
    this.#put(key, undefined, known.readAt);
    return this.#known.get(key);
  }

  /** Lets go of a tenant's erased rows, in steps. None is answered meanwhile: each is looked at again before it is. */
  async #sweep(tenant: string): Promise<void> {
    const views = new Map([...this.#parts.definitions.views.values()].map((view) => [prefixOf(tenant, view), view]));
    let looked = 0;
    for (const key of [...this.#known.keys()]) {
      const end = key.lastIndexOf(":") + 1;
      const view = views.get(key.slice(0, end));
      if (view !== undefined) this.#withoutErased(tenant, view, key.slice(end));
      if (++looked % SWEEP_STEP === 0) await yieldTurn();
    }
  }

  /** A row of the features' defaults, younger than every TTL; features without a default are absent. */
  #defaultRow(view: FeatureView): Uint8Array {
    let row = this.#defaults.get(view);
    if (row === undefined) {
      const schema = schemaOf(view);
      const fingerprint = fingerprintOf(encodeSchema(schema));
      const values = view.features.map((feature) => feature.default);
      const encode = createRowEncoder(layoutOf(schema), fingerprint);
      row = encode({ eventTime: MAX_ONLINE_MICROS, createdTime: undefined, values });
      this.#defaults.set(view, row);
      this.#readers.set(readerKey(view, fingerprint), createRowReader(schema, view));
    }
    return row;
  }
}

function prefixOf(tenant: string, view: FeatureView): string {
  return `${encodeSegment(tenant)}:${encodeSegment(view.name)}:`;
}

function readerKey(view: FeatureView, fingerprint: number): string {
  return `${fingerprint}:${view.name}`;
}
