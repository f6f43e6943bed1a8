import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Definitions, parseDefinitions } from "@larder/schema";
import type { OnlineStore } from "@larder/store-core";

/** Definitions over a folder: two views with sources in `data/`, one without. `onlineStore` and `defaults`, the settings of tenant `default`, are yaml values. */
export function definitionsIn(folder: string, onlineStore = "{ type: memory }", defaults = "{}"): Definitions {
  const text = `project: test
online_store: ${onlineStore}
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
  - name: plans
    entity: customer
    features: [{ name: price, type: int64 }, { name: plan, type: string }]
    source: { path: plans/*.parquet, timestamp_field: event_timestamp, created_timestamp_column: created, tombstone_column: deleted }
  - name: calls
    entity: customer
    features: [{ name: minutes, type: float64 }]
    source: { path: calls, timestamp_field: event_timestamp }
  - name: pushed
    entity: customer
    features: [{ name: score, type: float64 }]
tenants: { default: ${defaults}, acme: {} }
`;
  return parseDefinitions(text, { file: join(folder, "feature_store.yaml"), env: {} });
}

/** Makes the folders that the views read. */
export async function makeFolders(folder: string): Promise<void> {
  for (const name of ["plans", "calls"]) await mkdir(join(folder, "data", name), { recursive: true });
}

/** Microseconds of a UTC time. */
export function micros(text: string): number {
  return Date.parse(text) * 1000;
}

/** A window that holds every row of 2024. */
export const YEAR = { start: micros("2024-01-01T00:00:00Z"), end: micros("2024-12-31T00:00:00Z") };

/** Everything a tenant's rows say, in a comparable order. */
export async function rowsOf(store: OnlineStore, view: string, tenant = "default"): Promise<readonly unknown[]> {
  const rows: { readonly entityKey: string; readonly row: unknown }[] = [];
  for await (const { entityKey, row } of store.scan({ tenant, view }, { tenant })) rows.push({ entityKey, row });
  return rows.sort((a, b) => (a.entityKey < b.entityKey ? -1 : 1));
}

/** The store, but with something that happens (a failure, if it throws) right before its n-th write. */
export function disturbed(store: OnlineStore, disturb: (write: number) => void): OnlineStore {
  let writes = 0;
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === "write") disturb(++writes);
        return Reflect.apply(value, target, args);
      };
    },
  });
}
