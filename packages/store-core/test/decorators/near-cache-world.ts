import type { Definitions, FeatureView } from "@larder/schema";
import { findFeature, findView } from "@larder/schema";
import { type LogicalClock, logicalClock } from "@larder/testkit";
import type { Call } from "../../src/call.ts";
import { ForwardingStore } from "../../src/decorators/forwarding-store.ts";
import { withNearCache } from "../../src/decorators/near-cache.ts";
import { createErasureWatch, type ErasureSettings, type ErasureWatch } from "../../src/erasure/erasure-watch.ts";
import type { OnlineStore, ReadOptions } from "../../src/online-store.ts";
import { createPackedOnlineStore } from "../../src/packed-online-store.ts";
import { createReadPlan } from "../../src/plan/create-read-plan.ts";
import { encodeEntityRows } from "../../src/plan/encode-entities.ts";
import { type FeatureBatch, STATUS_NAMES } from "../../src/plan/feature-batch.ts";
import type { EntityKeys, ReadPlan } from "../../src/plan/read-plan.ts";
import type { RowStore } from "../../src/row-store.ts";
import { SignalQueue } from "../../src/signals/signal-queue.ts";
import type { FreshnessSignal, SignalScope, Subscription } from "../../src/signals/signals.ts";
import { createMemoryRowStore } from "../../src/stores/memory/memory-row-store.ts";
import { definitionsOf } from "../definitions.ts";

export const SECOND = 1_000_000;
const START = Date.UTC(2100, 0, 1) * 1000;

const DEFINITIONS = definitionsOf(`
  - { name: brief, entity: customer, online_ttl: 20s, keep_stale: 10s, features: [{ name: x, type: float32 }, { name: s, type: string }] }
  - { name: long, entity: customer, features: [{ name: z, type: int64 }] }
`);

/** A store whose signals a test sends, and whose reads it may hold up. */
export class Rigged extends ForwardingStore {
  reads = 0;
  hold: Promise<void> | undefined;
  /** What the last subscriber of a tenant hears. */
  readonly heard = new Map<string, SignalQueue>();

  override get capabilities() {
    return { ...this.inner.capabilities, signals: true };
  }

  override async read(plan: ReadPlan, keys: EntityKeys, call: Call, options?: ReadOptions): Promise<FeatureBatch> {
    this.reads++;
    const batch = await this.inner.read(plan, keys, call, options);
    await this.hold;
    return batch;
  }

  override subscribe({ tenant }: SignalScope, call: Call): Subscription {
    const nothing = () => [];
    const queue = new SignalQueue(call, nothing, nothing);
    this.heard.set(tenant, queue);
    return queue;
  }

  /** Sends a signal and waits until it is obeyed. */
  async tell(signal: FreshnessSignal): Promise<void> {
    this.heard.get(signal.tenant)?.push(signal);
    await new Promise((resolve) => setImmediate(resolve));
  }

  moved(tenant: string, view: string, entityKeys: readonly string[] | undefined): Promise<void> {
    return this.tell({ kind: "moved", tenant, view, entityKeys, eventTime: 0, writeTime: 0, sequence: 1 });
  }

  gap(tenant: string, view: string): Promise<void> {
    return this.tell({ kind: "gap", tenant, view, cause: "disconnected", watermark: undefined });
  }
}

export type Read = readonly (readonly [status: string, value: unknown])[];

/** Only a refresh tells of an erasure. */
const ERASURES: ErasureSettings = { leaseMs: 3_600_000, writeMs: 0 };

/** A near cache over rows that a second store writes, too. */
export class NearWorld implements AsyncDisposable {
  readonly clock: LogicalClock = logicalClock(START);
  readonly definitions: Definitions = DEFINITIONS;
  readonly rows: RowStore = createMemoryRowStore();
  /** Others. */
  readonly plain: OnlineStore;
  readonly rigged: Rigged;
  readonly erasures: ErasureWatch;
  readonly store: OnlineStore;
  readonly plan: ReadPlan;

  constructor({ maxBytes = 1_000_000, maxAge = 10 * SECOND } = {}) {
    const { definitions, clock, rows } = this;
    this.plain = createPackedOnlineStore({ definitions, rowStore: rows, clock });
    this.rigged = new Rigged(createPackedOnlineStore({ definitions, rowStore: rows, clock }));
    this.erasures = createErasureWatch(this.plain, definitions.project, ERASURES);
    this.store = withNearCache(this.rigged, { definitions, clock, erasures: this.erasures, maxBytes, maxAge });
    this.plan = this.planOf("brief:x", "brief:s", "long:z");
  }

  planOf(...references: readonly string[]): ReadPlan {
    const refs = references.map((each) => findFeature(this.definitions, each));
    return createReadPlan(this.definitions, refs, { fullFeatureNames: false });
  }

  view(name: string): FeatureView {
    return findView(this.definitions, name);
  }

  async put(store: OnlineStore, view: string, id: number, x: number | undefined, tenant = "default"): Promise<void> {
    const values = x === undefined ? undefined : view === "brief" ? [x, `s${x}`] : [BigInt(x)];
    const row = { entityKey: [BigInt(id)], eventTime: this.clock.now(), createdTime: undefined, values };
    await store.write(this.view(view), [row], { tenant });
  }

  keys(ids: readonly number[]): EntityKeys {
    return encodeEntityRows(
      this.plan,
      ids.map((customer_id) => ({ customer_id })),
    );
  }

  batch(
    ids: readonly number[],
    tenant = "default",
    call: Partial<Call> = {},
    store = this.store,
  ): Promise<FeatureBatch> {
    return store.read(this.plan, this.keys(ids), { tenant, ...call });
  }

  async read(ids: readonly number[], tenant = "default", store = this.store): Promise<readonly Read[]> {
    return cellsOf(await this.batch(ids, tenant, {}, store));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await this.rows.close();
  }
}

export function cellsOf(batch: FeatureBatch): Read[] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    batch.plan.columns.map(
      (_c, column) => [STATUS_NAMES[batch.status(row, column)] as string, batch.value(row, column)] as const,
    ),
  );
}
