import { setImmediate as nextTurn } from "node:timers/promises";
import { type FeatureRow, findView } from "@larder/schema";
import { FieldStatus } from "../../src/plan/feature-batch.ts";
import type { PutOutcome } from "../../src/row-store.ts";
import { replaced } from "./handle.ts";
import type { Mutation } from "./memory-harness.ts";
import {
  answering,
  calling,
  createdFirst,
  deciding,
  deleting,
  expiring,
  getting,
  inverted,
  isTombstone,
  nothing,
  refingerprinting,
  rewriting,
  scoped,
  showing,
  signed,
  storing,
  uncreated,
  writingAs,
} from "./mutations.ts";

/** A store broken on purpose, and the rule that has to notice: the start of the name of a test. */
export interface Mutant extends Mutation {
  readonly name: string;
  readonly caughtBy: string;
}

/** Every mutant. Each breaks one thing. */
export const MUTANTS: readonly Mutant[] = [
  // Rule 1: newest wins.
  {
    name: "reads, then writes",
    caughtBy: "newest wins: writers at the same time",
    rows: (rows) =>
      deciding(rows, async (bytes, stored) => {
        await nextTurn();
        return Buffer.compare(bytes, stored) > 0;
      }),
  },
  {
    name: "the last writer wins",
    caughtBy: "newest wins: a later event time wins, and comes first",
    rows: (rows) => deciding(rows, () => true),
  },
  {
    name: "ignores the created time",
    caughtBy: "newest wins: with equal event times a later created time wins",
    rows: (rows) => deciding(rows, (bytes, stored) => Buffer.compare(uncreated(bytes), uncreated(stored)) > 0),
  },
  {
    name: "takes an absent created time for now",
    caughtBy: "newest wins: an absent created time is below every other",
    store: (store, { clock }) => rewriting(store, (row) => ({ ...row, createdTime: row.createdTime ?? clock.now() })),
  },
  {
    name: "compares the created time first",
    caughtBy: "newest wins: a later event time wins over a later created time",
    rows: (rows) => deciding(rows, (bytes, stored) => Buffer.compare(createdFirst(bytes), createdFirst(stored)) > 0),
  },
  {
    name: "compares times as signed bytes",
    caughtBy: "newest wins: times compare as numbers",
    rows: (rows) => deciding(rows, (bytes, stored) => Buffer.compare(signed(bytes), signed(stored)) > 0),
  },
  {
    name: "the last to arrive wins a tie",
    caughtBy: "newest wins: with equal times and kind the greater bytes win",
    rows: (rows) =>
      deciding(rows, (bytes, stored) => Buffer.compare(bytes.subarray(0, 15), stored.subarray(0, 15)) >= 0),
  },
  {
    name: "the first to arrive wins a tie",
    caughtBy: "newest wins: with equal times and kind the greater bytes win",
    rows: (rows) =>
      deciding(rows, (bytes, stored) => Buffer.compare(bytes.subarray(0, 15), stored.subarray(0, 15)) > 0),
  },
  {
    name: "a row beats a tombstone of the same times",
    caughtBy: "newest wins: with equal times a tombstone wins over a row",
    rows: (rows) => deciding(rows, (bytes, stored) => Buffer.compare(inverted(bytes), inverted(stored)) > 0),
  },
  {
    name: "reports duplicates as applied",
    caughtBy: "newest wins: the same row again is a duplicate",
    rows: (rows) => answering(rows, (outcomes) => outcomes.map((one) => (one === "duplicate" ? "applied" : one))),
  },
  {
    name: "counts no conflicts",
    caughtBy: "newest wins: with equal times and kind the greater bytes win",
    rows: (rows) => answering(rows, (outcomes) => outcomes.map((one) => one.replace("_conflict", "") as PutOutcome)),
  },
  {
    name: "sorts the outcomes",
    caughtBy: "newest wins: repeats and rivals within one batch",
    rows: (rows) => answering(rows, (outcomes) => outcomes.toSorted()),
  },
  {
    name: "writes only the last of a batch's rows for a key",
    caughtBy: "newest wins: repeats and rivals within one batch",
    rows: (rows) =>
      replaced(rows, {
        putIfNewer: async (scope, batch, call) => {
          const last = new Map(batch.map((row) => [row.entityKey, row]));
          const outcomes = await rows.putIfNewer(scope, [...last.values()], call);
          const byKey = new Map([...last.keys()].map((key, i) => [key, outcomes[i] as PutOutcome]));
          return batch.map(({ entityKey }) => byKey.get(entityKey) as PutOutcome);
        },
      }),
  },
  // Rule 2: tombstones.
  {
    name: "forgets tombstones",
    caughtBy: "tombstone: a deletion refuses older rows",
    rows: (rows) =>
      replaced(rows, {
        putIfNewer: async (scope, batch, call) => {
          const outcomes = await rows.putIfNewer(scope, batch, call);
          for (const { entityKey, tombstone } of batch) {
            if (tombstone) await rows.deleteScope({ ...scope, entityKey }, call);
          }
          return outcomes;
        },
      }),
  },
  {
    name: "a deletion deletes whatever is stored",
    caughtBy: "tombstone: a deletion older than the row is stale",
    rows: (rows) => deciding(rows, (bytes, stored) => isTombstone(bytes) || Buffer.compare(bytes, stored) > 0),
  },
  {
    name: "drops tombstones after a day",
    caughtBy: "tombstone: without a TTL a deletion holds",
    rows: (rows, { clock }) =>
      expiring(rows, clock, ({ tombstone, eventTime }) => (tombstone ? eventTime + 86_400e6 : undefined)),
  },
  {
    name: "counts a tombstone's retention from its event",
    caughtBy: "tombstone: a deletion of an old event without a TTL",
    rows: (rows, { clock }) =>
      expiring(rows, clock, ({ tombstone, eventTime }) => (tombstone ? eventTime + 30 * 86_400e6 : undefined)),
  },
  {
    name: "shows a deleted row's values as null",
    caughtBy: "tombstone: a deleted row reads NOT_FOUND",
    store: (store) =>
      rewriting(store, (row, view) => ({ ...row, values: row.values ?? view.features.map(() => null) })),
  },
  // Rule 3: null and values.
  {
    name: "merges a write with the row before it",
    caughtBy: "null: absent features read NOT_FOUND and are not filled in",
    store: (store) => {
      const before = new Map<string, FeatureRow["values"]>();
      return rewriting(store, (row) => {
        const old = before.get(String(row.entityKey));
        const values = row.values?.map((value, i) => value ?? old?.[i]);
        before.set(String(row.entityKey), values);
        return { ...row, values };
      });
    },
  },
  {
    name: "reads null as NOT_FOUND",
    caughtBy: "null: null of every type",
    store: (store) => showing(store, (status) => (status === FieldStatus.NULL_VALUE ? FieldStatus.NOT_FOUND : status)),
  },
  {
    name: "stores NaN as null",
    caughtBy: "null: every float64",
    store: (store) => storing(store, (value) => (Number.isNaN(value) ? null : value)),
  },
  {
    name: "loses the sign of zero",
    caughtBy: "null: every float32",
    store: (store) => storing(store, (value) => (value === 0 ? 0 : value)),
  },
  {
    name: "stores empty text as null",
    caughtBy: "null: every string",
    store: (store) => storing(store, (value) => (value === "" ? null : value)),
  },
  {
    name: "stores an empty list as null",
    caughtBy: "null: a list of int32",
    store: (store) => storing(store, (value) => (Array.isArray(value) && value.length === 0 ? null : value)),
  },
  {
    name: "takes int64 through a number",
    caughtBy: "null: every int64",
    store: (store) =>
      storing(store, (value) => (typeof value === "bigint" ? BigInt.asIntN(64, BigInt(Number(value))) : value)),
  },
  {
    name: "takes rows that lack a feature",
    caughtBy: "null: a row that lacks a feature refuses",
    store: (store) => writingAs(store, (view) => ({ ...view, partialRows: "absent" })),
  },
  // Rule 4: TTL.
  {
    name: "reads the boundary as expired",
    caughtBy: "ttl: a row is PRESENT at the boundary itself",
    store: (store, { clock, definitions }) =>
      showing(store, (status, batch, row, view) => {
        const ttl = definitions.onlineTtl(view, "default");
        const eventTime = batch.eventTime(row, 0);
        const expired = ttl !== undefined && eventTime !== undefined && clock.now() >= eventTime + ttl;
        return status === FieldStatus.PRESENT && expired ? FieldStatus.OUTSIDE_MAX_AGE : status;
      }),
  },
  {
    name: "an older row shortens the expiry",
    caughtBy: "ttl: a newer row lives by its own event time",
    rows: (rows, { clock }) => expiring(rows, clock, ({ expiresAt }) => expiresAt),
  },
  {
    name: "drops rows at their TTL, without keep_stale",
    caughtBy: "ttl: a row stays OUTSIDE_MAX_AGE through keep_stale",
    rows: (rows, { clock, definitions }) =>
      expiring(rows, clock, ({ expiresAt, tombstone }, view) => {
        if (expiresAt === undefined || tombstone) return undefined;
        return expiresAt - findView(definitions, view).keepStale;
      }),
  },
  {
    name: "hands out stale values unasked",
    caughtBy: "ttl: a row is PRESENT at the boundary itself",
    store: (store) =>
      replaced(store, { read: (plan, keys, call) => store.read(plan, keys, call, { allowStale: true }) }),
  },
  {
    name: "ignores a tenant's TTL",
    caughtBy: "ttl: a tenant's own TTL holds for that tenant alone, at reads",
    definitions: (definitions) => ({ ...definitions, onlineTtl: (view) => view.onlineTtl }),
  },
  {
    name: "counts age from the write",
    caughtBy: "ttl: age counts from event time",
    store: (store, { clock }) =>
      rewriting(store, (row) => ({ ...row, eventTime: Math.max(row.eventTime, clock.now()) })),
  },
  // Rule 5: the future.
  {
    name: "takes rows from the future",
    caughtBy: "future: a row at max_future itself is taken",
    store: (store) => writingAs(store, (view) => ({ ...view, maxFuture: Number.MAX_SAFE_INTEGER })),
  },
  {
    name: "writes the rest of a batch with a row from the future",
    caughtBy: "future: one row from the future refuses the whole write",
    store: (store) =>
      replaced(store, {
        write: (view, rows, call) =>
          store.write(view, rows, call).catch(async (error) => {
            for (const row of rows) await store.write(view, [row], call).catch(() => undefined);
            throw error;
          }),
      }),
  },
  // Rule 6: the batch.
  {
    name: "answers in the order of storage",
    caughtBy: "batch: cells come in the order of the request",
    rows: (rows) => getting(rows, (entityKeys) => entityKeys.toSorted()),
  },
  {
    name: "answers a repeated key once",
    caughtBy: "batch: cells come in the order of the request",
    rows: (rows) =>
      getting(rows, (entityKeys) => entityKeys.map((key, i) => (entityKeys.indexOf(key) === i ? key : ""))),
  },
  {
    name: "answers a thousand keys, no more",
    caughtBy: "batch: a thousand entities and more",
    rows: (rows) => getting(rows, (entityKeys) => entityKeys.map((key, i) => (i < 1_000 ? key : ""))),
  },
  {
    name: "reads an error as missing rows",
    caughtBy: "batch: a backend that fails fails the call",
    rows: (rows) =>
      replaced(rows, {
        get: async (request, call) => {
          try {
            return await rows.get(request, call);
          } catch {
            return nothing(request);
          }
        },
      }),
  },
  {
    name: "reads broken bytes as missing",
    caughtBy: "batch: a row that cannot be decoded reads INVALID",
    store: (store) => showing(store, (status) => (status === FieldStatus.INVALID ? FieldStatus.NOT_FOUND : status)),
  },
  // Rule 7: scopes.
  {
    name: "ignores the tenant",
    caughtBy: "tenant: tenants with hostile names",
    rows: (rows) => scoped(rows, (scope) => ({ ...scope, tenant: "default" })),
  },
  {
    name: "ignores the project",
    caughtBy: "tenant: projects and views with hostile names",
    rows: (rows) => scoped(rows, (scope) => ({ ...scope, project: "all" })),
  },
  {
    name: "joins names with a colon",
    caughtBy: "tenant: project, tenant, view and entity do not run into each other",
    rows: (rows) =>
      scoped(rows, ({ project, tenant, ...rest }) => ({ project: "", tenant: `${project}:${tenant}`, ...rest })),
  },
  {
    name: "ends a tenant's name at NUL",
    caughtBy: "tenant: tenants with hostile names",
    rows: (rows) => scoped(rows, (scope) => ({ ...scope, tenant: scope.tenant.split("\0", 1).join() })),
  },
  {
    name: "normalizes a tenant's name",
    caughtBy: "tenant: tenants with hostile names",
    rows: (rows) => scoped(rows, (scope) => ({ ...scope, tenant: scope.tenant.normalize("NFC") })),
  },
  {
    name: "resets every tenant whose name starts alike",
    caughtBy: "tenant: tenants with hostile names",
    rows: (rows, { definitions }) =>
      deleting(rows, (scope) =>
        [...definitions.tenants.keys()]
          .filter((name) => name.startsWith(scope.tenant))
          .map((tenant) => ({ ...scope, tenant })),
      ),
  },
  {
    name: "resets the whole tenant for one of its views",
    caughtBy: "tenant: a reset of one view leaves the others",
    rows: (rows) => deleting(rows, ({ view, ...rest }) => [rest]),
  },
  {
    name: "resets the whole view for one of its entities",
    caughtBy: "tenant: a reset of one entity leaves the others",
    rows: (rows) => deleting(rows, ({ entityKey, ...rest }) => [rest]),
  },
  {
    name: "leaves positions behind at a reset",
    caughtBy: "tenant: a reset clears its scope's positions",
    rows: (rows) => replaced(rows, { deleteMeta: async () => undefined }),
  },
  // Rule 8: schemas.
  {
    name: "decodes every row with the reader's schema",
    caughtBy: "schema evolution: reordered features",
    rows: (rows, { definitions }) => refingerprinting(rows, definitions),
  },
  {
    name: "stores no schemas",
    caughtBy: "schema evolution: a gained feature",
    rows: (rows) =>
      replaced(rows, {
        putMeta: async (scope, name, bytes, expected, call) =>
          name.startsWith("schema-") ? "1" : rows.putMeta(scope, name, bytes, expected, call),
      }),
  },
  // Rule 9 and meta.
  {
    name: "stays open after close",
    caughtBy: "lifecycle: after close every method fails",
    store: (store) => replaced(store, { close: async () => undefined }),
  },
  {
    name: "does not look at the signal",
    caughtBy: "lifecycle: a signal that has aborted",
    store: (store) => calling(store, ({ signal, ...call }) => call),
  },
  {
    name: "does not look at the deadline",
    caughtBy: "lifecycle: a deadline that has passed",
    store: (store) => calling(store, ({ deadline, ...call }) => call),
  },
  {
    name: "writes meta over any revision",
    caughtBy: "meta: an entry is replaced only over the revision that was read",
    rows: (rows) =>
      replaced(rows, {
        putMeta: async (scope, name, bytes, _expected, call) =>
          rows.putMeta(scope, name, bytes, (await rows.getMeta(scope, name, call))?.revision, call),
      }),
  },
  {
    name: "shows one scope's meta in another",
    caughtBy: "meta: scopes and names are kept apart",
    rows: (rows) =>
      replaced(rows, {
        getMeta: ({ project }, name, call) => rows.getMeta({ project }, name, call),
        putMeta: ({ project }, name, bytes, expected, call) => rows.putMeta({ project }, name, bytes, expected, call),
      }),
  },
];
