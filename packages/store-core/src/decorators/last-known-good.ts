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
import type { OnlineStore, ReadOptions } from "../online-store.ts";
import { judgeCells } from "../plan/check-cells.ts";
import type { FeatureBatch } from "../plan/feature-batch.ts";
import { createPackedBatch } from "../plan/packed-feature-batch.ts";
import type { EntityKeys, PlanView, ReadPlan } from "../plan/read-plan.ts";
import type { RowSource } from "../plan/view-cells.ts";
import { createRowEncoder } from "../row/row-encoder.ts";
import { HEADER_BYTES, layoutOf } from "../row/row-layout.ts";
import { createRowReader, readHeader, rowBytes } from "../row/row-reader.ts";
import { encodeSchema, fingerprintOf, schemaOf } from "../row/row-schema.ts";
import { ForwardingStore } from "./forwarding-store.ts";
import { type KnownRow, RowMemory } from "./row-memory.ts";

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

/** Rows looked at for erased ones before other work gets its turn. */
const SWEEP_STEP = 500;

/** One cell of a degraded answer. */
interface Substitute {
  readonly bytes: Uint8Array | undefined;
  readonly source: RowSource;
  readonly readAt: number;
}

class LastKnownGoodStore extends ForwardingStore {
  readonly #parts: LastKnownGoodParts;
  readonly #memory: RowMemory;
  readonly #defaults = new WeakMap<FeatureView, Uint8Array>();

  constructor(inner: OnlineStore, parts: LastKnownGoodParts) {
    super(inner);
    this.#parts = parts;
    this.#memory = new RowMemory(parts.maxBytes);
    parts.erasures.onChange((tenant) => void this.#sweep(tenant));
  }

  override async read(plan: ReadPlan, keys: EntityKeys, call: Call, options: ReadOptions = {}): Promise<FeatureBatch> {
    const start = { readAt: this.#parts.clock.now(), since: performance.now() };
    this.#parts.erasures.poll(call.tenant);
    try {
      const batch = await this.inner.read(plan, keys, call, options);
      this.#memory.remember(batch, keys, call.tenant, start);
      return batch;
    } catch (error) {
      const { onFailure } = options;
      if (onFailure === undefined || onFailure.policy === "fail") throw error;
      if (!isLarderError(error, "STORE_UNAVAILABLE", "STORE_TIMEOUT")) throw error;
      return this.#answer(plan, keys, call, options, onFailure, error);
    }
  }

  override async close(): Promise<void> {
    this.#memory.clearAll();
    await super.close();
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
    const readerOf = (view: FeatureView, fingerprint: number) => this.#memory.readerOf(view, fingerprint);
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
        const bytes = known.row === undefined ? undefined : Buffer.from(known.row, "latin1");
        return { bytes, source: "last_known_good", readAt: known.readAt };
      }
      if (onFailure.otherwise === "fail") throw error;
    }
    return { bytes: this.#defaultRow(view), source: "default", readAt: now };
  }

  /** What is known of an entity; a row that was erased since is known to be gone. */
  #withoutErased(tenant: string, view: FeatureView, key: string): KnownRow | undefined {
    const memory = this.#memory.of(tenant, view.name);
    const known = this.#memory.find(memory, key);
    if (known?.row === undefined) return known;
    const erasedAt = this.#parts.erasures.known(tenant).erasedAt(view, key);
    if (erasedAt === undefined || eventTimeOf(known.row) > erasedAt) return known;
    return this.#memory.empty(memory, key);
  }

  /** Lets go of a tenant's erased rows, in steps. None is answered meanwhile: each is looked at again before it is. */
  async #sweep(tenant: string): Promise<void> {
    let looked = 0;
    for (const view of this.#parts.definitions.views.values()) {
      for (const key of this.#memory.keys(this.#memory.of(tenant, view.name))) {
        this.#withoutErased(tenant, view, key);
        if (++looked % SWEEP_STEP === 0) await yieldTurn();
      }
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
      this.#memory.learn(view, fingerprint, createRowReader(schema, view));
    }
    return row;
  }
}

function eventTimeOf(row: string): number {
  return readHeader(rowBytes(Buffer.from(row.slice(0, HEADER_BYTES), "latin1")).view, 0).eventTime;
}
