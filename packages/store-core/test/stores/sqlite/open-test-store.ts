import { join } from "node:path";
import type { Clock } from "@larder/schema";
import { temporaryFolder } from "@larder/testkit";
import type { RowStore, StoredRow } from "../../../src/row-store.ts";
import { openSqliteRowStore } from "../../../src/stores/sqlite/sqlite-row-store.ts";

/** Every call of these tests. */
export const call = { tenant: "default" };

/** The scope these tests write to. */
export const scope = { project: "churn", tenant: "default", view: "profile" };

/** Deadlines that a loaded machine keeps. */
export function configOf(path: string, deadlines: { readDeadlineMs?: number; writeDeadlineMs?: number } = {}) {
  return { type: "sqlite", path, readDeadlineMs: 5_000, writeDeadlineMs: 5_000, ...deadlines } as const;
}

/** A store in a folder of its own. */
export async function openTestStore(clock?: Clock): Promise<{ store: RowStore; path: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  const path = join(folder.path, "new folder", "online.db");
  const store = await openSqliteRowStore(configOf(path), clock);
  const dispose = async () => {
    await store.close();
    await folder.remove();
  };
  return { store, path, [Symbol.asyncDispose]: dispose };
}

/** A row as the port takes it: 15 bytes of times and kind, then `values`. */
export function row(entityKey: string, eventTime: number, values = "", expiresAt?: number): StoredRow {
  const bytes = Buffer.alloc(15 + values.length);
  bytes.writeUIntBE(eventTime, 1, 6);
  bytes.write(values, 15, "latin1");
  return { entityKey, eventTime, createdTime: undefined, expiresAt, tombstone: false, bytes };
}

/** The values of the rows under some keys, undefined where there is none. */
export async function valuesOf(store: RowStore, entityKeys: readonly string[], views = [scope.view]) {
  const { project, tenant } = scope;
  const slices = await store.get({ project, tenant, groups: [{ views, entityKeys }] }, call);
  return slices.buffers.map((buffer, i) => {
    const offset = slices.offsets[i] as number;
    const length = slices.lengths[i] as number;
    return length < 0 ? undefined : Buffer.from(buffer as Uint8Array).toString("latin1", offset + 15, offset + length);
  });
}
