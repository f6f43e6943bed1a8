import {
  type Clock,
  type Definitions,
  type FeastRedisConfig,
  type FeatureRow,
  type FeatureView,
  findTenant,
  LarderError,
} from "@larder/schema";
import { type Call, refuseEnded, storeClosed } from "../../../call.ts";
import { hashKey, type RowFault, rowFaults, timed } from "../../../diagnostics.ts";
import { decodeEntityKey } from "../../../keys/entity-key.ts";
import type {
  OnlineStore,
  OnlineStoreCapabilities,
  ReadOptions,
  ResetOptions,
  ResetScope,
  ScannedFeatureRow,
  WriteResult,
} from "../../../online-store.ts";
import { checkCells } from "../../../plan/check-cells.ts";
import type { FeatureBatch } from "../../../plan/feature-batch.ts";
import { createEmptyBatch, createPackedBatch } from "../../../plan/packed-feature-batch.ts";
import { putInBatches } from "../../../plan/put-in-batches.ts";
import type { EntityKeys, ReadPlan } from "../../../plan/read-plan.ts";
import { planWrite } from "../../../plan/write-plan.ts";
import { resetInSteps } from "../../../reset-in-steps.ts";
import type { MetaScope, MetaValue, StoredRow } from "../../../row-store.ts";
import { createSchemaRegistry, type SchemaRegistry } from "../../../schema-registry.ts";
import type { SignalScope, Subscription } from "../../../signals/signals.ts";
import { storedRows, subscribeTo, viewScopes } from "../../../signals/view-signals.ts";
import { gatherCells } from "../gather-cells.ts";
import { refusePackedRows } from "../inspect-server.ts";
import { runOverKeys } from "../over-keys.ts";
import { outcomesOf } from "../put-outcomes.ts";
import { FEAST_META_ROOT } from "../redis-keys.ts";
import { openRedisSession, type RedisSession } from "../redis-session.ts";
import { feastPut } from "../scripts.ts";
import { createRowBlobEncoder } from "./encode-row.ts";
import { type FeastView, FeastViews, refuseSharedFields } from "./field-names.ts";
import { cellsToGather, compileFeastRead, type FeastReadPlan, packRows, type Retyped } from "./read-rows.ts";
import { deleteFeastRows, type FeastScope, type FeastSteps, scanFeastRows } from "./scan-rows.ts";

/** Most rows of one run of the writing script, and most values: about 0.5 ms in which Redis serves nobody else. */
const MAX_BATCH_ROWS = 100;
const MAX_BATCH_VALUES = 250;

/** What a Feast store needs besides its configuration. */
export interface FeastStoreParts {
  readonly definitions: Definitions;
  readonly clock: Clock;
  /**
   * Reads all features of a view whatever is asked for: needed where rows of a read are remembered and answer other reads. Otherwise a row has only
   * what the plan asks for, and the rest of it reads as absent.
   */
  readonly wholeRows: boolean;
}

/**
 * Opens Redis in the layout of Feast's Python SDK (feast/infra/online_stores/redis.py): the same keys, fields and values, so that both read what
 * the other writes. docs/feast.md says what is equal and what is not.
 * @throws CONFIG_INVALID, UNSUPPORTED, STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_MISCONFIGURED
 */
export async function openFeastOnlineStore(config: FeastRedisConfig, parts: FeastStoreParts): Promise<OnlineStore> {
  const { definitions } = parts;
  const { project, tenants } = definitions;
  for (const tenant of tenants.keys()) refuseTenant(tenant);
  const views = new FeastViews(project, config.entityKeyVersion);
  refuseSharedFields([...definitions.views.values()].map((view) => views.of(view)));
  const session = await openRedisSession(config, FEAST_META_ROOT, refusePackedRows(project));
  return new FeastOnlineStore(session, config, parts, views);
}

class FeastOnlineStore implements OnlineStore {
  readonly capabilities: OnlineStoreCapabilities = { createdTime: false, tenants: false, durable: true, signals: true };
  readonly #session: RedisSession;
  readonly #config: FeastRedisConfig;
  readonly #definitions: Definitions;
  readonly #clock: Clock;
  readonly #wholeRows: boolean;
  readonly #views: FeastViews;
  /** Of the rows that {@link packRows} makes: they are this process's own, so nothing of it is ever stored. */
  readonly #schemas: SchemaRegistry;
  readonly #reads = new WeakMap<ReadPlan, FeastReadPlan>();
  #closed = false;

  constructor(session: RedisSession, config: FeastRedisConfig, parts: FeastStoreParts, views: FeastViews) {
    this.#session = session;
    this.#config = config;
    this.#definitions = parts.definitions;
    this.#clock = parts.clock;
    this.#wholeRows = parts.wholeRows;
    this.#views = views;
    this.#schemas = createSchemaRegistry(parts.definitions.project, session);
  }

  async read(plan: ReadPlan, keys: EntityKeys, call: Call, options: ReadOptions = {}): Promise<FeatureBatch> {
    this.#check(call);
    const views = () => plan.views.map(({ view }) => view.name);
    return timed("read", call, views, keys.rowCount, async () => {
      const now = this.#clock.now();
      if (keys.rowCount === 0) return createEmptyBatch(plan, now);
      const read = this.#readPlanOf(plan);
      const wait = this.#session.reading(call);
      const gathering = cellsToGather(read, keys);
      const cells = await gatherCells(this.#session.connection, gathering, this.#session.gather, wait);
      const { encoderOf, readerOf } = this.#schemas;
      const { slices, retyped } = packRows({ plan: read, groups: plan.groups, keys, cells, encoderOf });
      this.#report(retyped, call);
      const onlineTtl = (view: FeatureView) => this.#definitions.onlineTtl(view, call.tenant);
      const checked = await checkCells({ plan, keys, slices, call, now, readerOf, onlineTtl }, this.#schemas);
      const batch = { allowStale: options.allowStale === true, readAt: now, degraded: false };
      return createPackedBatch(plan, keys.rowCount, checked, batch);
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
        const feast = this.#views.of(view);
        const onlineTtl = this.#definitions.onlineTtl(view, call.tenant);
        const encode = createRowBlobEncoder(feast);
        const now = this.#clock.now();
        const plan = planWrite({ view, rows, encode, onlineTtl, now });
        const size = Math.min(MAX_BATCH_ROWS, Math.max(1, Math.floor(MAX_BATCH_VALUES / (feast.features.length + 1))));
        const life = this.#config.keyTtlSeconds?.toString() ?? "";
        const fields = [feast.timeField, feast.markField, life, feast.fieldNames];
        const put = async (batch: readonly StoredRow[]) => {
          const keys = batch.map(({ entityKey }) => feast.keySpace.redisKey(entityKey));
          const blobs = batch.map(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
          const runOf = (indexes: readonly number[]) => ({
            script: feastPut,
            keys: indexes.map((index) => keys[index] as Buffer),
            args: [...fields, ...indexes.map((index) => blobs[index] as Buffer)],
          });
          return outcomesOf(
            await runOverKeys(this.#session.connection, keys, runOf, this.#session.writing(call)),
            batch,
          );
        };
        const puts = await putInBatches(plan.rows, size, put);
        const scope = { project: this.#definitions.project, tenant: call.tenant, view: view.name };
        this.#session.signals.announce(scope, storedRows(plan.rows, puts), now);
        return plan.result(puts);
      },
    );
  }

  async reset(scope: ResetScope, call: Call, options?: ResetOptions): Promise<number> {
    this.#check(call, scope.tenant);
    const removed = await resetInSteps(this.#session, this.#definitions, scope, call, options, async (afterStep) => {
      let count = 0;
      for (const each of this.#scopesOf(scope)) {
        const before = count;
        count += await deleteFeastRows(each, this.#steps(call), (rows) => afterStep(before + rows));
      }
      return count;
    });
    await this.#session.signals.announceReset(viewScopes(this.#definitions, scope));
    return removed;
  }

  async *scan(scope: ResetScope, call: Call): AsyncIterable<ScannedFeatureRow> {
    this.#check(call, scope.tenant);
    for (const each of this.#scopesOf(scope)) yield* scanFeastRows(each, this.#steps(call));
  }

  async getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined> {
    this.#check(call);
    return this.#session.getMeta(scope, name, call);
  }

  async putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined> {
    this.#check(call);
    return this.#session.putMeta(scope, name, bytes, expected, call);
  }

  async deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void> {
    this.#check(call);
    return this.#session.deleteMeta(scope, name, call);
  }

  subscribe(scope: SignalScope, call: Call): Subscription {
    return subscribeTo(this.#session.signals, this.#definitions, scope, call, this.#closed);
  }

  async ping(call: Call): Promise<void> {
    this.#check(call);
    return this.#session.ping(call);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @throws STORE_CLOSED, UNKNOWN_TENANT, UNSUPPORTED, ABORTED, STORE_TIMEOUT */
  #check(call: Call, tenant: string = call.tenant): void {
    if (this.#closed) throw storeClosed();
    for (const name of [call.tenant, tenant]) {
      findTenant(this.#definitions, name);
      refuseTenant(name);
    }
    refuseEnded(call);
  }

  #readPlanOf(plan: ReadPlan): FeastReadPlan {
    const known = this.#reads.get(plan);
    if (known !== undefined) return known;
    const compiled = compileFeastRead(plan, this.#views, this.#wholeRows);
    this.#reads.set(plan, compiled);
    return compiled;
  }

  /** The declared views of a scope, by the hashes that they lie in. A view that no file of Larder's declares is never touched. */
  #scopesOf({ view: name, entityKey }: ResetScope): readonly FeastScope[] {
    const spaces = new Map<string, FeastView[]>();
    for (const view of this.#definitions.views.values()) {
      if (name !== undefined && view.name !== name) continue;
      if (entityKey !== undefined && decodeEntityKey(view, entityKey) === undefined) continue;
      const feast = this.#views.of(view);
      const { id } = feast.keySpace;
      spaces.set(id, [...(spaces.get(id) ?? []), feast]);
    }
    return [...spaces.values()].map((views) => {
      const { keySpace } = views[0] as FeastView;
      return { keySpace, views, entityKey, whole: name === undefined };
    });
  }

  #steps(call: Call): FeastSteps {
    const { connection, gather } = this.#session;
    return { connection, gather, nextWait: () => this.#session.writing(call) };
  }

  #report(retyped: readonly Retyped[], { tenant }: Call): void {
    if (!rowFaults.hasSubscribers) return;
    for (const { view, entityKey, features } of retyped) {
      rowFaults.publish({
        kind: "schema_mismatch",
        project: this.#definitions.project,
        tenant,
        view: view.name,
        keyHash: hashKey(entityKey),
        features,
      } satisfies RowFault);
    }
  }
}

/** Feast's keys have no place for a tenant: its rows are those of `default`. */
function refuseTenant(tenant: string): void {
  if (tenant === "default") return;
  throw new LarderError("UNSUPPORTED", {
    what: "Feast's layout has no tenants besides default",
    remedy: "Keep default only, or use layout: packed",
    facts: { field: "tenants" },
  });
}
