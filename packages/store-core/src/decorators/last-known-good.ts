import {
  type Clock,
  type Definitions,
  type FeatureView,
  isLarderError,
  MAX_ONLINE_MICROS,
  type OnStoreFailure,
} from "@larder/schema";
import type { Call } from "../call.ts";
import type { OnlineStore, ReadOptions } from "../online-store.ts";
import { judgeCells } from "../plan/check-cells.ts";
import type { FeatureBatch } from "../plan/feature-batch.ts";
import { createPackedBatch } from "../plan/packed-feature-batch.ts";
import type { EntityKeys, PlanView, ReadPlan } from "../plan/read-plan.ts";
import type { RowSource } from "../plan/view-cells.ts";
import { createRowEncoder } from "../row/row-encoder.ts";
import { layoutOf } from "../row/row-layout.ts";
import { createRowReader } from "../row/row-reader.ts";
import { encodeSchema, fingerprintOf, schemaOf } from "../row/row-schema.ts";
import { ForwardingStore } from "./forwarding-store.ts";
import { RowMemory } from "./row-memory.ts";

/** What {@link withLastKnownGood} needs. */
export interface LastKnownGoodParts {
  readonly definitions: Definitions;
  readonly clock: Clock;
  /** Most bytes remembered, rows and bookkeeping; the longest unread go first. */
  readonly maxBytes: number;
}

/**
 * Remembers what reads returned, absent rows too, and answers from it when the store fails or misses its deadline, as the read's `onFailure` says:
 * `stale` takes what was read within `maxAge`, a key with nothing known follows `otherwise`; `defaults` takes the features' defaults; `fail`
 * passes the error on. TTLs hold as ever. The answer says so: `degraded`, and per row where it came from and when it was read. Writes never degrade.
 */
export function withLastKnownGood(inner: OnlineStore, parts: LastKnownGoodParts): OnlineStore {
  return new LastKnownGoodStore(inner, parts);
}

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
  }

  override async read(plan: ReadPlan, keys: EntityKeys, call: Call, options: ReadOptions = {}): Promise<FeatureBatch> {
    const start = { readAt: this.#parts.clock.now(), since: performance.now() };
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
        group.views.map((view) => this.#substitute(call.tenant, view, key, now, onFailure, error)),
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
    tenant: string,
    view: FeatureView,
    key: string,
    now: number,
    onFailure: Exclude<OnStoreFailure, { policy: "fail" }>,
    error: unknown,
  ): Substitute {
    if (onFailure.policy === "stale") {
      const known = this.#memory.find(this.#memory.of(tenant, view.name), key);
      if (known !== undefined && now - known.readAt <= onFailure.maxAge) {
        const bytes = known.row === undefined ? undefined : Buffer.from(known.row, "latin1");
        return { bytes, source: "last_known_good", readAt: known.readAt };
      }
      if (onFailure.otherwise === "fail") throw error;
    }
    return { bytes: this.#defaultRow(view), source: "default", readAt: now };
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
