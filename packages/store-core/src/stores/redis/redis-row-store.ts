import { LarderError, type OnlineStoreConfig } from "@larder/schema";
import { type Call, refuseEnded, storeClosed } from "../../call.ts";
import { hashKey } from "../../diagnostics.ts";
import type {
  MetaScope,
  MetaValue,
  PutOutcome,
  RowGet,
  RowScope,
  RowSlices,
  RowStore,
  ScannedRow,
  StoredRow,
  ViewScope,
} from "../../row-store.ts";
import { connectRedis, type RedisConnection, type Wait } from "./connection.ts";
import { parseConnectionString } from "./connection-string.ts";
import { inspectServer } from "./inspect-server.ts";
import { readRows } from "./read-rows.ts";
import { metaKey, rowKey, tenantPrefix, ViewFields } from "./redis-keys.ts";
import { deleteEntities, deleteTenant, scanRows } from "./scan-rows.ts";
import { putMeta, putRows, runOne } from "./scripts.ts";

/** Most rows of one batch: nearly all of batching's gain, and no reader waits longer than about 0.3 ms. */
const MAX_BATCH_ROWS = 100;

const CONNECT_MS = 5_000;

/**
 * Opens Redis as a RowStore in the packed layout: one hash per (project, tenant, entity key), one field per view. See
 * docs/adr/0002-redis-layout.md.
 * @param views every view that is going to be read or written; two whose fields would be the same are refused here
 * @throws CONFIG_INVALID, UNSUPPORTED, STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_MISCONFIGURED
 */
export async function openRedisRowStore(
  config: Extract<OnlineStoreConfig, { type: "redis" }>,
  views: readonly string[],
): Promise<RowStore> {
  const fields = new ViewFields();
  for (const view of views) fields.fieldOf(view);
  const address = parseConnectionString(config.connectionString);
  const hangMs = Math.max(CONNECT_MS, 2 * config.readDeadlineMs, 2 * config.writeDeadlineMs);
  const connection = await connectRedis(address, { connectMs: CONNECT_MS, hangMs });
  try {
    await inspectServer(connection, config.gather, {
      deadline: performance.now() + CONNECT_MS,
      signal: undefined,
    });
  } catch (error) {
    await connection.close();
    throw error;
  }
  return new RedisRowStore(connection, config, fields);
}

/** What a {@link RedisRowStore} is told of its configuration. */
type Settings = Pick<Extract<OnlineStoreConfig, { type: "redis" }>, "gather" | "readDeadlineMs" | "writeDeadlineMs">;

class RedisRowStore implements RowStore {
  readonly capabilities = { maxBatchRows: MAX_BATCH_ROWS, expiresRows: true, durable: true };
  readonly #connection: RedisConnection;
  readonly #settings: Settings;
  readonly #fields: ViewFields;
  #closed = false;

  constructor(connection: RedisConnection, settings: Settings, fields: ViewFields) {
    this.#connection = connection;
    this.#settings = settings;
    this.#fields = fields;
  }

  async get(request: RowGet, call: Call): Promise<RowSlices> {
    const options = {
      prefix: tenantPrefix(request.project, request.tenant),
      fieldOf: (view: string) => this.#fields.fieldOf(view),
      gather: this.#settings.gather,
    };
    return readRows(this.#connection, request, options, this.#reading(call));
  }

  async putIfNewer(scope: ViewScope, rows: readonly StoredRow[], call: Call): Promise<readonly PutOutcome[]> {
    const wait = this.#writing(call);
    if (rows.length === 0) return [];
    if (rows.length > MAX_BATCH_ROWS) {
      throw new LarderError("INTERNAL", {
        what: `A batch of ${rows.length} rows is above ${MAX_BATCH_ROWS}`,
        remedy: "Split it by capabilities.maxBatchRows",
      });
    }
    const prefix = tenantPrefix(scope.project, scope.tenant);
    const expiries = Buffer.alloc(rows.length * 8);
    const args: (string | Buffer)[] = [this.#fields.fieldOf(scope.view), expiries];
    for (const [index, { bytes, expiresAt = Number.POSITIVE_INFINITY }] of rows.entries()) {
      // Plus 0: the ceiling of a small negative number is -0, which Redis does not take.
      expiries.writeDoubleBE(Math.ceil(expiresAt / 1000) + 0, index * 8);
      args.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    }
    const keys = rows.map((row) => rowKey(prefix, row.entityKey));
    const reply = await runOne(this.#connection, { script: putRows, keys, args }, wait);
    return outcomesOf(reply, rows);
  }

  scan(scope: RowScope, call: Call): AsyncIterable<ScannedRow> {
    return scanRows(this.#connection, scope, this.#fields, () => this.#writing(call));
  }

  async deleteScope(scope: RowScope, call: Call): Promise<number> {
    const field = scope.view === undefined ? undefined : this.#fields.fieldOf(scope.view);
    const prefix = tenantPrefix(scope.project, scope.tenant);
    if (scope.entityKey === undefined) {
      return deleteTenant(this.#connection, prefix, field, () => this.#writing(call));
    }
    return deleteEntities(this.#connection, [rowKey(prefix, scope.entityKey)], field, this.#writing(call));
  }

  async getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined> {
    const reply = await runOne(this.#connection, ["HMGET", [metaKey(scope, name), "r", "b"]], this.#reading(call));
    const [revision, bytes] = Array.isArray(reply) ? reply : [];
    if (!Buffer.isBuffer(revision) || !Buffer.isBuffer(bytes)) return undefined;
    // A copy: the reply is a slice of what the socket brought.
    return { bytes: Uint8Array.from(bytes), revision: revision.toString("latin1") };
  }

  async putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined> {
    const blob = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const run = { script: putMeta, keys: [metaKey(scope, name)], args: [expected ?? "", blob] };
    const reply = await runOne(this.#connection, run, this.#writing(call));
    return Buffer.isBuffer(reply) ? reply.toString("latin1") : undefined;
  }

  async deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void> {
    await runOne(this.#connection, ["UNLINK", [metaKey(scope, name)]], this.#writing(call));
  }

  async ping(call: Call): Promise<void> {
    await runOne(this.#connection, ["PING", []], this.#reading(call));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connection.close();
  }

  #reading(call: Call): Wait {
    return this.#wait(call, this.#settings.readDeadlineMs);
  }

  #writing(call: Call): Wait {
    return this.#wait(call, this.#settings.writeDeadlineMs);
  }

  /** @throws STORE_CLOSED, ABORTED, STORE_TIMEOUT */
  #wait(call: Call, milliseconds: number): Wait {
    if (this.#closed) throw storeClosed();
    refuseEnded(call);
    return { deadline: call.deadline ?? performance.now() + milliseconds, signal: call.signal };
  }
}

const OUTCOMES: Readonly<Record<string, PutOutcome>> = {
  a: "applied",
  A: "applied_conflict",
  d: "duplicate",
  s: "stale",
  S: "stale_conflict",
};

function outcomesOf(reply: unknown, rows: readonly StoredRow[]): readonly PutOutcome[] {
  const text = Buffer.isBuffer(reply) ? reply.toString("latin1") : "";
  return rows.map(({ entityKey }, index) => {
    const outcome = OUTCOMES[text[index] ?? ""];
    if (outcome !== undefined) return outcome;
    throw new LarderError("STORE_CORRUPT", {
      what: `Row ${index} was not written: its key (hash ${hashKey(entityKey)}) holds something that is not Larder's`,
      remedy: "Reset that entity, which removes what is there, or use another db",
      facts: { row: index, keyHash: hashKey(entityKey) },
    });
  });
}
