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
import { connectRedis } from "./connect-redis.ts";
import type { RedisConnection, Wait } from "./connection.ts";
import { inspectServers } from "./inspect-server.ts";
import { runOverKeys } from "./over-keys.ts";
import { readRows } from "./read-rows.ts";
import { metaKey, rowKey, tenantPrefix, ViewFields } from "./redis-keys.ts";
import { deleteEntities, deleteTenant, scanRows } from "./scan-rows.ts";
import { putMeta, putRows, runOne } from "./scripts.ts";

/** Most rows of one batch: nearly all of batching's gain, and no reader waits longer than about 0.3 ms. */
const MAX_BATCH_ROWS = 100;

/** Most time to look at what was connected to. */
const INSPECT_MS = 5_000;

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
  const connection = await connectRedis(config);
  try {
    const gather = gatherOf(config, connection);
    await inspectServers(connection, gather, { deadline: performance.now() + INSPECT_MS, signal: undefined });
  } catch (error) {
    await connection.close();
    throw error;
  }
  return new RedisRowStore(connection, config, fields);
}

/** A script reads keys of one slot only, and those of a cluster are spread over all. */
function gatherOf(settings: Settings, connection: RedisConnection): "script" | "pipeline" {
  return connection.sharded ? "pipeline" : settings.gather;
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
      gather: gatherOf(this.#settings, this.#connection),
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
    const outcomes: PutOutcome[] = new Array(rows.length);
    for (const { indexes, reply } of await runOverKeys(this.#connection, keys, runOf, wait)) {
      const text = Buffer.isBuffer(reply) ? reply.toString("latin1") : "";
      for (const [at, index] of indexes.entries()) outcomes[index] = outcomeOf(text[at], index, rows);
    }
    return outcomes;
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
    const wait = this.#reading(call);
    await Promise.all(this.#connection.primaries().map((primary) => runOne(primary, ["PING", []], wait)));
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

function outcomeOf(letter: string | undefined, index: number, rows: readonly StoredRow[]): PutOutcome {
  const outcome = OUTCOMES[letter ?? ""];
  if (outcome !== undefined) return outcome;
  const keyHash = hashKey((rows[index] as StoredRow).entityKey);
  throw new LarderError("STORE_CORRUPT", {
    what: `Row ${index} was not written: its key (hash ${keyHash}) holds something that is not Larder's`,
    remedy: "Reset that entity, which removes what is there, or use another db",
    facts: { row: index, keyHash },
  });
}

/** ARGV of put-rows.lua. */
function putArguments(field: string, rows: readonly StoredRow[]): (string | Buffer)[] {
  const expiries = Buffer.alloc(rows.length * 8);
  const args: (string | Buffer)[] = [field, expiries];
  for (const [index, { bytes, expiresAt = Number.POSITIVE_INFINITY }] of rows.entries()) {
    // Plus 0: the ceiling of a small negative number is -0, which Redis does not take.
    expiries.writeDoubleBE(Math.ceil(expiresAt / 1000) + 0, index * 8);
    args.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
  return args;
}
