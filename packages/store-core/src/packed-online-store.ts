import { type Clock, type Definitions, type FeatureRow, type FeatureView, findTenant } from "@larder/schema";
import { type Call, refuseEnded, storeClosed } from "./call.ts";
import { timed } from "./diagnostics.ts";
import type {
  OnlineStore,
  OnlineStoreCapabilities,
  ReadOptions,
  ResetOptions,
  ResetScope,
  ScannedFeatureRow,
  WriteResult,
} from "./online-store.ts";
import { checkCells } from "./plan/check-cells.ts";
import type { FeatureBatch } from "./plan/feature-batch.ts";
import { createEmptyBatch, createPackedBatch } from "./plan/packed-feature-batch.ts";
import { putInBatches } from "./plan/put-in-batches.ts";
import type { EntityKeys, ReadPlan } from "./plan/read-plan.ts";
import { planWrite } from "./plan/write-plan.ts";
import { resetInSteps } from "./reset-in-steps.ts";
import { decodeScanned } from "./row/decode-scanned.ts";
import type { AfterStep, MetaScope, MetaValue, RowStore, StoredRow } from "./row-store.ts";
import { createSchemaRegistry, type SchemaRegistry } from "./schema-registry.ts";
import type { SignalScope, Subscription } from "./signals/signals.ts";
import { storedRows, subscribeTo, viewScopes } from "./signals/view-signals.ts";

/** What a {@link createPackedOnlineStore} needs. */
export interface PackedOnlineStoreParts {
  readonly definitions: Definitions;
  readonly rowStore: RowStore;
  readonly clock: Clock;
}

/** Makes a backend the typed online store: packed rows, schemas, TTL and statuses, written once for all backends. */
export function createPackedOnlineStore(parts: PackedOnlineStoreParts): OnlineStore {
  return new PackedOnlineStore(parts);
}

class PackedOnlineStore implements OnlineStore {
  readonly capabilities: OnlineStoreCapabilities;
  readonly #definitions: Definitions;
  readonly #rows: RowStore;
  readonly #clock: Clock;
  readonly #schemas: SchemaRegistry;
  #closed = false;

  constructor({ definitions, rowStore, clock }: PackedOnlineStoreParts) {
    this.capabilities = {
      createdTime: true,
      tenants: true,
      durable: rowStore.capabilities.durable,
      signals: rowStore.signals !== undefined,
    };
    this.#definitions = definitions;
    this.#rows = rowStore;
    this.#clock = clock;
    this.#schemas = createSchemaRegistry(definitions.project, rowStore);
  }

  async read(plan: ReadPlan, keys: EntityKeys, call: Call, options: ReadOptions = {}): Promise<FeatureBatch> {
    this.#check(call);
    const views = () => plan.views.map(({ view }) => view.name);
    return timed("read", call, views, keys.rowCount, async () => {
      const batch = { allowStale: options.allowStale === true, readAt: this.#clock.now(), degraded: false };
      if (keys.rowCount === 0) return createEmptyBatch(plan, batch.readAt);
      const groups = plan.groups.map((group, index) => ({
        views: group.views.map((view) => view.name),
        entityKeys: keys.groups[index] ?? [],
      }));
      const slices = await this.#rows.get({ project: plan.project, tenant: call.tenant, groups }, call);
      const onlineTtl = (view: FeatureView) => this.#definitions.onlineTtl(view, call.tenant);
      const { readerOf } = this.#schemas;
      const at = { plan, keys, slices, call, now: batch.readAt, readerOf, onlineTtl };
      return createPackedBatch(plan, keys.rowCount, await checkCells(at, this.#schemas), batch);
    });
  }

  async write(view: FeatureView, rows: readonly FeatureRow[], call: Call): Promise<WriteResult> {
    this.#check(call);
    return timed(
      "write",
      call,
      () => [view.name],
      rows.length,
      async () => {
        const onlineTtl = this.#definitions.onlineTtl(view, call.tenant);
        const encode = this.#schemas.encoderOf(view);
        const now = this.#clock.now();
        const plan = planWrite({ view, rows, encode, onlineTtl, now });
        if (plan.rows.length === 0) return plan.result([]);
        await this.#schemas.ensureStored(view, call);
        const scope = { project: this.#definitions.project, tenant: call.tenant, view: view.name };
        const put = (batch: readonly StoredRow[]) => this.#rows.putIfNewer(scope, batch, call);
        const puts = await putInBatches(plan.rows, this.#rows.capabilities.maxBatchRows, put);
        this.#rows.signals?.announce(scope, storedRows(plan.rows, puts), now);
        return plan.result(puts);
      },
    );
  }

  async reset(scope: ResetScope, call: Call, options?: ResetOptions): Promise<number> {
    this.#check(call);
    const { project } = this.#definitions;
    findTenant(this.#definitions, scope.tenant);
    const remove = (afterStep: AfterStep) => this.#rows.deleteScope({ project, ...scope }, call, afterStep);
    const removed = await resetInSteps(this.#rows, this.#definitions, scope, call, options, remove);
    await this.#rows.signals?.announceReset(viewScopes(this.#definitions, scope));
    return removed;
  }

  async *scan(scope: ResetScope, call: Call): AsyncIterable<ScannedFeatureRow> {
    this.#check(call);
    findTenant(this.#definitions, scope.tenant);
    for await (const row of this.#rows.scan({ project: this.#definitions.project, ...scope }, call)) {
      yield await decodeScanned(this.#definitions.views.get(row.view), row, this.#schemas, call);
    }
  }

  async getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined> {
    this.#check(call);
    return this.#rows.getMeta(scope, name, call);
  }

  async putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined> {
    this.#check(call);
    return this.#rows.putMeta(scope, name, bytes, expected, call);
  }

  async deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void> {
    this.#check(call);
    return this.#rows.deleteMeta(scope, name, call);
  }

  subscribe(scope: SignalScope, call: Call): Subscription {
    return subscribeTo(this.#rows.signals, this.#definitions, scope, call, this.#closed);
  }

  async ping(call: Call): Promise<void> {
    this.#check(call);
    return this.#rows.ping(call);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#rows.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @throws STORE_CLOSED, UNKNOWN_TENANT, ABORTED, STORE_TIMEOUT */
  #check(call: Call): void {
    if (this.#closed) throw storeClosed();
    findTenant(this.#definitions, call.tenant);
    refuseEnded(call);
  }
}
