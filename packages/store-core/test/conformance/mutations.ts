import { type Definitions, type FeatureRow, type FeatureValue, type FeatureView, findView } from "@larder/schema";
import type { Call } from "../../src/call.ts";
import type { OnlineStore, WriteResult } from "../../src/online-store.ts";
import { type FeatureBatch, FieldStatus } from "../../src/plan/feature-batch.ts";
import { encodeSchema, fingerprintOf, schemaOf } from "../../src/row/row-schema.ts";
import type { PutOutcome, RowGet, RowScope, RowSlices, RowStore, StoredRow, ViewScope } from "../../src/row-store.ts";
import { replaced } from "./handle.ts";

/** Decides by hand whether a row replaces the stored one. */
export function deciding(
  rows: RowStore,
  newer: (bytes: Uint8Array, stored: Uint8Array) => boolean | Promise<boolean>,
): RowStore {
  const put = async (scope: ViewScope, row: StoredRow, call: Call): Promise<PutOutcome> => {
    const stored = await storedBytes(rows, { ...scope, entityKey: row.entityKey }, call);
    if (stored !== undefined && Buffer.compare(row.bytes, stored) === 0) return "duplicate";
    const tie = stored !== undefined && Buffer.compare(row.bytes.subarray(0, 15), stored.subarray(0, 15)) === 0;
    if (stored !== undefined && !(await newer(row.bytes, stored))) return tie ? "stale_conflict" : "stale";
    // Both begin before either is waited for: an overwrite in one step.
    await Promise.all([
      rows.deleteScope({ ...scope, entityKey: row.entityKey }, call),
      rows.putIfNewer(scope, [row], call),
    ]);
    return tie ? "applied_conflict" : "applied";
  };
  return replaced(rows, {
    putIfNewer: async (scope, batch, call) => {
      const outcomes: PutOutcome[] = [];
      for (const row of batch) outcomes.push(await put(scope, row, call));
      return outcomes;
    },
  });
}

async function storedBytes(rows: RowStore, key: Required<RowScope>, call: Call): Promise<Uint8Array | undefined> {
  const { project, tenant, view, entityKey } = key;
  return (await rows.get({ project, tenant, groups: [{ views: [view], entityKeys: [entityKey] }] }, call)).buffers[0];
}

/** Row bytes without the created time. */
export function uncreated(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, 7), bytes.subarray(14)]);
}

/** Row bytes with the created time before the event time. */
export function createdFirst(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(7, 14), bytes.subarray(0, 7), bytes.subarray(14)]);
}

/** Row bytes that sort as signed bytes do. */
export function signed(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.map((byte) => byte ^ 0x80));
}

/** Row bytes in which a tombstone sorts below a row. */
export function inverted(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.map((byte, i) => (i === 14 ? byte ^ 0x80 : byte)));
}

/** True for the bytes of a tombstone. */
export function isTombstone(bytes: Uint8Array): boolean {
  return (bytes[14] as number) >= 0x80;
}

/** Answers other outcomes than came. */
export function answering(
  rows: RowStore,
  answer: (outcomes: readonly PutOutcome[]) => readonly PutOutcome[],
): RowStore {
  return replaced(rows, {
    putIfNewer: async (scope, batch, call) => answer(await rows.putIfNewer(scope, batch, call)),
  });
}

/** Drops rows once `clock` is past the expiry that the last write to their key gave. */
export function expiring(
  rows: RowStore,
  clock: { now(): number },
  expiryOf: (row: StoredRow, view: string) => number | undefined,
): RowStore {
  const expiries = new Map<string, { readonly scope: RowScope; readonly at: number }>();
  const drop = async (call: Call) => {
    for (const [id, { scope, at }] of expiries) {
      if (clock.now() > at && expiries.delete(id)) await rows.deleteScope(scope, call);
    }
  };
  return replaced(rows, {
    putIfNewer: async (scope, batch, call) => {
      await drop(call);
      const outcomes = await rows.putIfNewer(scope, batch, call);
      for (const row of batch) {
        const id = JSON.stringify([scope, row.entityKey]);
        const at = expiryOf(row, scope.view);
        if (at !== undefined) expiries.set(id, { scope: { ...scope, entityKey: row.entityKey }, at });
      }
      return outcomes;
    },
    get: async (request, call) => {
      await drop(call);
      return rows.get(request, call);
    },
  });
}

/** Reads other keys than were asked for. */
export function getting(rows: RowStore, keysOf: (entityKeys: readonly string[]) => readonly string[]): RowStore {
  return replaced(rows, {
    get: (request, call) => {
      const groups = request.groups.map(({ views, entityKeys }) => ({ views, entityKeys: keysOf(entityKeys) }));
      return rows.get({ ...request, groups }, call);
    },
  });
}

/** The answer of a store without rows. */
export function nothing({ groups }: RowGet): RowSlices {
  const cells = groups.reduce((sum, { views, entityKeys }) => sum + views.length * entityKeys.length, 0);
  return {
    buffers: new Array(cells).fill(undefined),
    offsets: new Int32Array(cells),
    lengths: new Int32Array(cells).fill(-1),
  };
}

/** Keeps rows under another scope than the one that was named. */
export function scoped(rows: RowStore, scopeOf: (scope: RowScope) => RowScope): RowStore {
  const inView = (scope: ViewScope): ViewScope => ({ view: scope.view, ...scopeOf(scope) });
  return replaced(rows, {
    get: (request, call) =>
      rows.get({ ...request, ...scopeOf({ project: request.project, tenant: request.tenant }) }, call),
    putIfNewer: (scope, batch, call) => rows.putIfNewer(inView(scope), batch, call),
    scan: (scope, call) => rows.scan(scopeOf(scope), call),
    deleteScope: (scope, call) => rows.deleteScope(scopeOf(scope), call),
  });
}

/** Deletes other scopes than the one that was named. */
export function deleting(rows: RowStore, scopesOf: (scope: RowScope) => readonly RowScope[]): RowStore {
  return replaced(rows, {
    deleteScope: async (scope, call) => {
      let removed = 0;
      for (const one of scopesOf(scope)) removed += await rows.deleteScope(one, call);
      return removed;
    },
  });
}

/** Pretends that every row was written with the schema its reader has. */
export function refingerprinting(rows: RowStore, definitions: Definitions): RowStore {
  return replaced(rows, {
    get: async (request, call) => {
      const slices = await rows.get(request, call);
      const views = request.groups.flatMap(({ views, entityKeys }) => entityKeys.flatMap(() => views));
      const buffers = slices.buffers.map((bytes, cell) => {
        if (bytes === undefined) return undefined;
        const copy = Buffer.from(bytes);
        const schema = schemaOf(findView(definitions, views[cell] as string));
        copy.writeUInt32BE(fingerprintOf(encodeSchema(schema)), 15);
        return copy;
      });
      return { ...slices, buffers };
    },
  });
}

/** Writes other rows than were given. */
export function rewriting(
  store: OnlineStore,
  rewrite: (row: FeatureRow, view: FeatureView) => FeatureRow,
): OnlineStore {
  return replaced(store, {
    write: (view, rows, call) =>
      store.write(
        view,
        rows.map((row) => rewrite(row, view)),
        call,
      ),
  });
}

/** Writes other values than were given. */
export function storing(store: OnlineStore, change: (value: FeatureValue) => FeatureValue): OnlineStore {
  const values = (row: FeatureRow) => row.values?.map((value) => (value === undefined ? undefined : change(value)));
  return rewriting(store, (row) => ({ ...row, values: values(row) }));
}

/** Writes with another view than the one that was given. */
export function writingAs(store: OnlineStore, viewOf: (view: FeatureView) => FeatureView): OnlineStore {
  return replaced(store, {
    write: (view, rows, call): Promise<WriteResult> => store.write(viewOf(view), rows, call),
  });
}

/** Shows other statuses than were read; values follow them. */
export function showing(
  store: OnlineStore,
  show: (status: FieldStatus, batch: FeatureBatch, row: number, view: FeatureView) => FieldStatus,
): OnlineStore {
  return replaced(store, {
    read: async (plan, keys, call, options) => {
      const batch = await store.read(plan, keys, call, options);
      const status = (row: number, column: number): FieldStatus => {
        const view = plan.columns[column]?.ref.view as FeatureView;
        return show(batch.status(row, column), batch, row, view);
      };
      const value = (row: number, column: number) =>
        status(row, column) === FieldStatus.PRESENT ? batch.value(row, column) : null;
      return replaced(batch, { status, value });
    },
  });
}

/** Changes what travels with every call. */
export function calling(store: OnlineStore, callOf: (call: Call) => Call): OnlineStore {
  return replaced(store, {
    read: (plan, keys, call, options) => store.read(plan, keys, callOf(call), options),
    write: (view, rows, call) => store.write(view, rows, callOf(call)),
    reset: (scope, call) => store.reset(scope, callOf(call)),
    scan: (scope, call) => store.scan(scope, callOf(call)),
    getMeta: (scope, name, call) => store.getMeta(scope, name, callOf(call)),
    ping: (call) => store.ping(callOf(call)),
  });
}
