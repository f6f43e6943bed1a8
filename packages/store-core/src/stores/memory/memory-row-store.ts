import { type Call, refuseEnded, storeClosed } from "../../call.ts";
import { ORDER_PREFIX } from "../../row/row-layout.ts";
import type {
  MetaScope,
  MetaValue,
  PageScope,
  PutOutcome,
  RowGet,
  RowPage,
  RowScope,
  RowSlices,
  RowStore,
  RowUsage,
  ScannedRow,
  StoredRow,
  ViewScope,
} from "../../row-store.ts";
import { measurePages } from "../../upkeep/measure-pages.ts";
import type { Pace } from "../../upkeep/pace.ts";

/**
 * Rows in a Map: the simplest correct store, and the model that the others are tested against. For tests and for trying things out; nothing
 * outlives the process.
 */
export function createMemoryRowStore(): RowStore {
  return new MemoryRowStore();
}

class MemoryRowStore implements RowStore {
  readonly capabilities = { maxBatchRows: 1000, expiresRows: false, durable: false };
  readonly #rows = new Map<string, { readonly scope: Required<RowScope>; readonly bytes: Uint8Array }>();
  readonly #meta = new Map<string, MetaValue>();
  #revisions = 0;
  #closed = false;

  async get({ project, tenant, groups }: RowGet, call: Call): Promise<RowSlices> {
    this.#check(call);
    const buffers: (Uint8Array | undefined)[] = [];
    for (const { views, entityKeys } of groups) {
      for (const entityKey of entityKeys) {
        for (const view of views) buffers.push(this.#rows.get(rowId({ project, tenant, view, entityKey }))?.bytes);
      }
    }
    return {
      buffers,
      offsets: new Int32Array(buffers.length),
      lengths: Int32Array.from(buffers, (bytes) => bytes?.byteLength ?? -1),
    };
  }

  async putIfNewer(scope: ViewScope, rows: readonly StoredRow[], call: Call): Promise<readonly PutOutcome[]> {
    this.#check(call);
    return rows.map(({ entityKey, bytes }): PutOutcome => {
      const key = { ...scope, entityKey };
      const id = rowId(key);
      const old = this.#rows.get(id)?.bytes;
      const order = old === undefined ? 1 : Buffer.compare(bytes, old);
      if (order === 0) return "duplicate";
      if (order > 0) this.#rows.set(id, { scope: key, bytes: Uint8Array.from(bytes) });
      const tie =
        old !== undefined && Buffer.compare(bytes.subarray(0, ORDER_PREFIX), old.subarray(0, ORDER_PREFIX)) === 0;
      if (order > 0) return tie ? "applied_conflict" : "applied";
      return tie ? "stale_conflict" : "stale";
    });
  }

  async *scan(scope: RowScope, call: Call): AsyncIterable<ScannedRow> {
    this.#check(call);
    for (const { scope: key, bytes } of [...this.#rows.values()]) {
      this.#check(call);
      if (inScope(key, scope)) yield { view: key.view, entityKey: key.entityKey, bytes };
    }
  }

  async deleteScope(scope: RowScope, call: Call): Promise<number> {
    this.#check(call);
    let removed = 0;
    for (const [id, { scope: key }] of this.#rows) {
      if (inScope(key, scope) && this.#rows.delete(id)) removed++;
    }
    return removed;
  }

  /** All rows are one page: a Map keeps no place to go on from. */
  async page(scope: PageScope, _cursor: string | undefined, call: Call): Promise<RowPage> {
    this.#check(call);
    const found = [...this.#rows.values()].filter(({ scope: key }) => inScope(key, scope));
    return {
      rows: found.map(({ scope: { tenant, view, entityKey }, bytes }) => ({ tenant, view, entityKey, bytes })),
      next: undefined,
    };
  }

  async removeRows(
    scope: ViewScope,
    rows: readonly Pick<StoredRow, "entityKey" | "bytes">[],
    call: Call,
  ): Promise<readonly boolean[]> {
    this.#check(call);
    return rows.map(({ entityKey, bytes }) => {
      const id = rowId({ ...scope, entityKey });
      const stored = this.#rows.get(id)?.bytes;
      return stored !== undefined && Buffer.compare(stored, bytes) === 0 && this.#rows.delete(id);
    });
  }

  measure(project: string, pace: Pace, call: Call): Promise<ReadonlyMap<string, RowUsage>> {
    return measurePages(this, project, pace, call);
  }

  async getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined> {
    this.#check(call);
    return this.#meta.get(metaId(scope, name));
  }

  async putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined> {
    this.#check(call);
    const id = metaId(scope, name);
    if (this.#meta.get(id)?.revision !== expected) return undefined;
    const revision = String(++this.#revisions);
    this.#meta.set(id, { bytes: Uint8Array.from(bytes), revision });
    return revision;
  }

  async deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void> {
    this.#check(call);
    this.#meta.delete(metaId(scope, name));
  }

  async ping(call: Call): Promise<void> {
    this.#check(call);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#rows.clear();
    this.#meta.clear();
  }

  #check(call: Call): void {
    if (this.#closed) throw storeClosed();
    refuseEnded(call);
  }
}

function rowId({ project, tenant, view, entityKey }: Required<RowScope>): string {
  return JSON.stringify([project, tenant, view, entityKey]);
}

function metaId({ project, tenant, view }: MetaScope, name: string): string {
  return JSON.stringify([project, tenant ?? null, view ?? null, name]);
}

function inScope(key: Required<RowScope>, scope: PageScope & Pick<RowScope, "entityKey">): boolean {
  return (
    key.project === scope.project &&
    (scope.tenant === undefined || key.tenant === scope.tenant) &&
    (scope.view === undefined || key.view === scope.view) &&
    (scope.entityKey === undefined || key.entityKey === scope.entityKey)
  );
}
