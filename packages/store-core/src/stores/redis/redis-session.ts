import type { OnlineStoreConfig } from "@larder/schema";
import { type Call, refuseEnded, storeClosed } from "../../call.ts";
import type { MetaScope, MetaValue } from "../../row-store.ts";
import { connectRedis, type RedisConnection, type Wait } from "./connection.ts";
import { parseConnectionString } from "./connection-string.ts";
import { inspectServer, type RefuseLayout } from "./inspect-server.ts";
import { metaKey } from "./redis-keys.ts";
import { putMeta, runOne } from "./scripts.ts";

const CONNECT_MS = 5_000;

/** What a session is told of its configuration. */
type SessionConfig = Pick<
  Extract<OnlineStoreConfig, { type: "redis" }>,
  "connectionString" | "gather" | "readDeadlineMs" | "writeDeadlineMs"
>;

/**
 * Connects to the server that the configuration names and looks whether it will do. `metaRoot` is what the keys of its meta start with;
 * `refuseLayout` looks at a sample of the keys that are there.
 * @throws CONFIG_INVALID, UNSUPPORTED, STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_MISCONFIGURED
 */
export async function openRedisSession(
  config: SessionConfig,
  metaRoot: string,
  refuseLayout: RefuseLayout,
): Promise<RedisSession> {
  const address = parseConnectionString(config.connectionString);
  const hangMs = Math.max(CONNECT_MS, 2 * config.readDeadlineMs, 2 * config.writeDeadlineMs);
  const connection = await connectRedis(address, { connectMs: CONNECT_MS, hangMs });
  try {
    const wait = { deadline: performance.now() + CONNECT_MS, signal: undefined };
    await inspectServer(connection, config.gather, refuseLayout, wait);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return new RedisSession(connection, config, metaRoot);
}

/** A connection with what every layout needs: the deadlines of calls, meta, ping, close. */
export class RedisSession {
  readonly connection: RedisConnection;
  readonly #config: SessionConfig;
  readonly #metaRoot: string;
  #closed = false;

  constructor(connection: RedisConnection, config: SessionConfig, metaRoot: string) {
    this.connection = connection;
    this.#config = config;
    this.#metaRoot = metaRoot;
  }

  /** How long a read may wait. @throws STORE_CLOSED, ABORTED, STORE_TIMEOUT */
  reading(call: Call): Wait {
    return this.#wait(call, this.#config.readDeadlineMs);
  }

  /** How long a write may wait. @throws STORE_CLOSED, ABORTED, STORE_TIMEOUT */
  writing(call: Call): Wait {
    return this.#wait(call, this.#config.writeDeadlineMs);
  }

  async getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined> {
    const key = metaKey(this.#metaRoot, scope, name);
    const reply = await runOne(this.connection, ["HMGET", [key, "r", "b"]], this.reading(call));
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
    const keys = [metaKey(this.#metaRoot, scope, name)];
    const run = { script: putMeta, keys, args: [expected ?? "", blob] };
    const reply = await runOne(this.connection, run, this.writing(call));
    return Buffer.isBuffer(reply) ? reply.toString("latin1") : undefined;
  }

  async deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void> {
    const key = metaKey(this.#metaRoot, scope, name);
    await runOne(this.connection, ["UNLINK", [key]], this.writing(call));
  }

  async ping(call: Call): Promise<void> {
    await runOne(this.connection, ["PING", []], this.reading(call));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.connection.close();
  }

  #wait(call: Call, milliseconds: number): Wait {
    if (this.#closed) throw storeClosed();
    refuseEnded(call);
    return { deadline: call.deadline ?? performance.now() + milliseconds, signal: call.signal };
  }
}
