import { deepStrictEqual } from "node:assert/strict";
import type { Definitions, FeatureRow, FeatureView } from "@larder/schema";
import type { ScannedFeatureRow } from "../src/online-store.ts";

/** What is known of the newest row of a key without knowing how rows are packed: equal times and kind are decided by bytes. */
type Newest = Pick<FeatureRow, "eventTime" | "createdTime"> & { readonly tombstone: boolean };

/**
 * The contract as a fold: per key, the greatest of all rows that were written and not expired at their write. It shares no code with any store.
 */
export class HistoryFold {
  readonly #newest = new Map<string, Newest>();

  add(
    definitions: Definitions,
    view: FeatureView,
    tenant: string,
    entityKey: string,
    row: FeatureRow,
    now: number,
  ): void {
    const ttl = definitions.onlineTtl(view, tenant);
    if (ttl !== undefined && now > row.eventTime + ttl + view.keepStale) return;
    const id = JSON.stringify([tenant, view.name, entityKey]);
    const stored = this.#newest.get(id);
    const { eventTime, createdTime } = row;
    const candidate = { eventTime, createdTime, tombstone: row.values === undefined };
    if (stored === undefined || isNewer(candidate, stored)) this.#newest.set(id, candidate);
  }

  reset(tenant: string, view: string | undefined): void {
    for (const id of this.#newest.keys()) {
      const [itsTenant, itsView] = JSON.parse(id) as string[];
      if (itsTenant === tenant && (view === undefined || itsView === view)) this.#newest.delete(id);
    }
  }

  /** Compares with every row that a store has of a tenant. */
  check(rows: readonly ScannedFeatureRow[], tenant: string): void {
    const expected = [...this.#newest]
      .map(([id, newest]) => ({ id: JSON.parse(id) as string[], newest }))
      .filter(({ id }) => id[0] === tenant)
      .map(({ id, newest }) => [JSON.stringify([id[1], id[2]]), newest]);
    const actual = rows.map(({ view, entityKey, row }) => [
      JSON.stringify([view, entityKey]),
      row && { eventTime: row.eventTime, createdTime: row.createdTime, tombstone: row.values === undefined },
    ]);
    deepStrictEqual(Object.fromEntries(actual), Object.fromEntries(expected));
  }
}

function isNewer(a: Newest, b: Newest): boolean {
  if (a.eventTime !== b.eventTime) return a.eventTime > b.eventTime;
  if (a.createdTime !== b.createdTime) {
    return b.createdTime === undefined || (a.createdTime !== undefined && a.createdTime > b.createdTime);
  }
  return a.tombstone && !b.tombstone;
}
