import type { OnlineStoreConfig } from "@larder/schema";
import { type Call, refuseEnded, storeClosed } from "../../call.ts";
import type { MetaScope, MetaValue } from "../../row-store.ts";
import { connectRedis } from "./connect-redis.ts";
import type { RedisConnection, Wait } from "./connection.ts";
import type { RedisPlace } from "./connection-string.ts";
import type { Gather } from "./gather-cells.ts";
import { inspectServers, type RefuseLayout } from "./inspect-server.ts";
import { metaKey } from "./redis-keys.ts";
import { putMeta, runOne } from "./scripts.ts";
import { RedisSignals } from "./signals/redis-signals.ts";

/** Most time to look at what was connected to. */
const INSPECT_MS = 5_000;

/** What a session is told of its configuration. */
type SessionConfig = RedisPlace &
  Pick<Extract<OnlineStoreConfig, { type: "redis" }>, "gather" | "readDeadlineMs" | "writeDeadlineMs">;

/**
 * Connects to what the configuration names, whatever its topology, and looks whether it will do. `metaRoot` is what the keys of its meta start with;
 * `refuseLayout` looks at a sample of the keys that are there.
 * @throws CONFIG_INVALID, UNSUPPORTED, STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_MISCONFIGURED
 */
export async function openRedisSession(
  config: SessionConfig,
  metaRoot: string,
  refuseLayout: RefuseLayout,
): Promise<RedisSession> {
  const connection = await connectRedis(config);
  const session = new RedisSession(connection, config, metaRoot);
  try {
    const wait = { deadline: performance.now() + INSPECT_MS, signal: undefined };
    await inspectServers(connection, session.gather, refuseLayout, wait);
    return session;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** A connection with what every layout needs: the deadlines of calls, meta, signals, ping, close. */
export class RedisSession {
  readonly connection: RedisConnection;
  /** How to read many keys: a script reads keys of one slot only, and those of a cluster are spread over all. */
  readonly gather: Gather;
  readonly signals: RedisSignals;
  readonly #config: SessionConfig;
  readonly #metaRoot: string;
  #closing: Promise<void> | undefined;

  constructor(connection: RedisConnection, config: SessionConfig, metaRoot: string) {
    this.connection = connection;
    this.gather = connection.sharded ? "pipeline" : config.gather;
    this.#config = config;
    this.#metaRoot = metaRoot;
    this.signals = new RedisSignals(connection, metaRoot, this);
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
    const wait = this.reading(call);
    await Promise.all(this.connection.primaries().map((primary) => runOne(primary, ["PING", []], wait)));
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await this.signals.close();
    await this.connection.close();
  }

  #wait(call: Call, milliseconds: number): Wait {
    if (this.#closing !== undefined) throw storeClosed();
    refuseEnded(call);
    return { deadline: call.deadline ?? performance.now() + milliseconds, signal: call.signal };
  }
}
