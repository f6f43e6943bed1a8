import { LarderError, type PackedRedisConfig } from "@larder/schema";
import type { Call } from "../../call.ts";
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
import type { Pace } from "../../upkeep/pace.ts";
import { refuseFeastRows } from "./inspect-server.ts";
import { measureTenants } from "./measure-tenants.ts";
import { runOverKeys } from "./over-keys.ts";
import { pageRows } from "./page-rows.ts";
import { outcomesOf } from "./put-outcomes.ts";
import { readRows } from "./read-rows.ts";
import { META_ROOT, rowKey, tenantPrefix, ViewFields } from "./redis-keys.ts";
import { openRedisSession, type RedisSession } from "./redis-session.ts";
import { deleteEntities, deleteTenant, scanRows } from "./scan-rows.ts";
import { putRows, removeRows } from "./scripts.ts";

/** Most rows of one batch: nearly all of batching's gain, and no reader waits longer than about 0.3 ms. */
const MAX_BATCH_ROWS = 100;

/**
 * Opens Redis as a RowStore in the packed layout: one hash per (project, tenant, entity key), one field per view. See
 * docs/adr/0002-redis-layout.md.
 * @param views every view that is going to be read or written; two whose fields would be the same are refused here
 * @throws CONFIG_INVALID, UNSUPPORTED, STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_MISCONFIGURED
 */
export async function openRedisRowStore(config: PackedRedisConfig, views: readonly string[]): Promise<RowStore> {
  const fields = new ViewFields();
  for (const view of views) fields.fieldOf(view);
  const session = await openRedisSession(config, META_ROOT, refuseFeastRows);
  return new RedisRowStore(session, fields);
}

class RedisRowStore implements RowStore {
  readonly capabilities = { maxBatchRows: MAX_BATCH_ROWS, expiresRows: true, durable: true };
  readonly #session: RedisSession;
  readonly #fields: ViewFields;

  constructor(session: RedisSession, fields: ViewFields) {
    this.#session = session;
    this.#fields = fields;
  }

  async get(request: RowGet, call: Call): Promise<RowSlices> {
    const options = {
      prefix: tenantPrefix(request.project, request.tenant),
      fieldOf: (view: string) => this.#fields.fieldOf(view),
      gather: this.#session.gather,
    };
    return readRows(this.#session.connection, request, options, this.#session.reading(call));
  }

  async putIfNewer(scope: ViewScope, rows: readonly StoredRow[], call: Call): Promise<readonly PutOutcome[]> {
    const wait = this.#session.writing(call);
    if (rows.length === 0) return [];
    refuseLarge(rows.length);
    const prefix = tenantPrefix(scope.project, scope.tenant);
    const field = this.#fields.fieldOf(scope.view);
    const keys = rows.map((row) => rowKey(prefix, row.entityKey));
    const runOf = (indexes: readonly number[]) => ({
      script: putRows,
      keys: indexes.map((index) => keys[index] as string),
      args: putArguments(
        field,
        indexes.map((index) => rows[index] as StoredRow),
      ),
    });
    return outcomesOf(await runOverKeys(this.#session.connection, keys, runOf, wait), rows);
  }

  scan(scope: RowScope, call: Call): AsyncIterable<ScannedRow> {
    return scanRows(this.#session.connection, scope, this.#fields, () => this.#session.writing(call));
  }

  async deleteScope(scope: RowScope, call: Call): Promise<number> {
    const field = scope.view === undefined ? undefined : this.#fields.fieldOf(scope.view);
    const prefix = tenantPrefix(scope.project, scope.tenant);
    if (scope.entityKey === undefined) {
      return deleteTenant(this.#session.connection, prefix, field, () => this.#session.writing(call));
    }
    return deleteEntities(
      this.#session.connection,
      [rowKey(prefix, scope.entityKey)],
      field,
      this.#session.writing(call),
    );
  }

  async page(scope: PageScope, cursor: string | undefined, call: Call): Promise<RowPage> {
    return pageRows(this.#session.connection, scope, cursor, this.#fields, this.#session.writing(call));
  }

  async removeRows(
    scope: ViewScope,
    rows: readonly Pick<StoredRow, "entityKey" | "bytes">[],
    call: Call,
  ): Promise<readonly boolean[]> {
    const wait = this.#session.writing(call);
    if (rows.length === 0) return [];
    refuseLarge(rows.length);
    const prefix = tenantPrefix(scope.project, scope.tenant);
    const field = this.#fields.fieldOf(scope.view);
    const keys = rows.map(({ entityKey }) => rowKey(prefix, entityKey));
    const runOf = (indexes: readonly number[]) => ({
      script: removeRows,
      keys: indexes.map((index) => keys[index] as string),
      args: [field, ...indexes.map((index) => bufferOf(rows[index]?.bytes as Uint8Array))],
    });
    const gone = new Array<boolean>(rows.length).fill(false);
    for (const { indexes, reply } of await runOverKeys(this.#session.connection, keys, runOf, wait)) {
      for (const [at, index] of indexes.entries()) gone[index] = String(reply)[at] === "r";
    }
    return gone;
  }

  async measure(project: string, pace: Pace, call: Call): Promise<ReadonlyMap<string, RowUsage>> {
    return measureTenants(this.#session.connection, project, pace, () => this.#session.writing(call));
  }

  getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined> {
    return this.#session.getMeta(scope, name, call);
  }

  putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined> {
    return this.#session.putMeta(scope, name, bytes, expected, call);
  }

  deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void> {
    return this.#session.deleteMeta(scope, name, call);
  }

  ping(call: Call): Promise<void> {
    return this.#session.ping(call);
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

function refuseLarge(rows: number): void {
  if (rows <= MAX_BATCH_ROWS) return;
  throw new LarderError("INTERNAL", {
    what: `A batch of ${rows} rows is above ${MAX_BATCH_ROWS}`,
    remedy: "Split it by capabilities.maxBatchRows",
  });
}

/** ARGV of put-rows.lua. */
function putArguments(field: string, rows: readonly StoredRow[]): (string | Buffer)[] {
  const expiries = Buffer.alloc(rows.length * 8);
  const args: (string | Buffer)[] = [field, expiries];
  for (const [index, { bytes, expiresAt = Number.POSITIVE_INFINITY }] of rows.entries()) {
    // Plus 0: the ceiling of a small negative number is -0, which Redis does not take.
    expiries.writeDoubleBE(Math.ceil(expiresAt / 1000) + 0, index * 8);
    args.push(bufferOf(bytes));
  }
  return args;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
