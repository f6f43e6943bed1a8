import { LOOPBACK, onFreePort } from "./free-port.ts";
import { redisCommand } from "./redis-command.ts";
import { type RedisOptions, type RedisServer, startRedis } from "./redis-server.ts";
import { until } from "./until.ts";

/** What a test may change about its cluster. */
export interface RedisClusterOptions extends Pick<RedisOptions, "program" | "args"> {
  /** Of each primary; default 0. */
  readonly replicas?: 0 | 1;
}

/** A Redis Cluster of the test's own: three primaries that share the 16,384 slots in three even parts. */
export interface RedisCluster {
  readonly primaries: readonly RedisServer[];
  /** The replica of the primary of the same index; empty without replicas. */
  readonly replicas: readonly RedisServer[];
  /** `host:port` of every primary, separated by commas. */
  readonly connectionString: string;
  /** Marks a slot as moving from one primary to another: its keys are then asked for at both. */
  startMove(slot: number, from: number, to: number): Promise<void>;
  /** Moves at most `count` keys of a moving slot and answers how many went. */
  moveKeys(slot: number, from: number, to: number, count: number): Promise<number>;
  /** Gives the slot to its new primary, after the last key. */
  endMove(slot: number, from: number, to: number): Promise<void>;
  /** Ends all servers and removes their folders. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a cluster and waits until every node finds it whole. A node that answers nothing for two seconds is failed over. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const wanted = PRIMARIES * (1 + (options.replicas ?? 0));
  const started = await Promise.allSettled(Array.from({ length: wanted }, () => startNode(options)));
  const nodes = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  try {
    const failure = started.find((each) => each.status === "rejected");
    if (failure !== undefined) throw failure.reason;
    return await join(nodes);
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()));
    throw error;
  }
}

const PRIMARIES = 3;
const SLOTS = 16_384;
const JOIN_MS = 30_000;

function startNode(options: RedisClusterOptions): Promise<RedisServer> {
  // Without a port of its own, the bus takes the client's plus 10,000, which may be above the last port.
  return onFreePort((bus) => {
    const cluster = ["--cluster-enabled", "yes", "--cluster-port", String(bus), "--cluster-node-timeout", "2000"];
    // A replica is listed from its primary's first ping on, which would come after ten seconds.
    const quick = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
    const args = [...cluster, ...quick, "--cluster-announce-ip", LOOPBACK, ...(options.args ?? [])];
    return startRedis({ ...options, args });
  });
}

async function join(nodes: readonly RedisServer[]): Promise<RedisCluster> {
  const primaries = nodes.slice(0, PRIMARIES);
  const replicas = nodes.slice(PRIMARIES);
  const ids = await Promise.all(nodes.map(async ({ port }) => String(await redisCommand(port, "CLUSTER", "MYID"))));
  for (const [index, { port }] of nodes.entries()) {
    await redisCommand(port, "CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    if (index < PRIMARIES) await redisCommand(port, "CLUSTER", "ADDSLOTSRANGE", ...rangeOf(index));
  }
  // Everybody meets everybody: by word of mouth alone it would take seconds more.
  const buses = await Promise.all(nodes.map(({ port }) => busOf(port)));
  for (const [index, { port }] of nodes.entries()) {
    for (const [other, { port: theirs }] of nodes.entries()) {
      if (other > index) await redisCommand(port, "CLUSTER", "MEET", LOOPBACK, theirs, buses[other] as number);
    }
  }
  const info = async (port: number) => String(await redisCommand(port, "CLUSTER", "INFO"));
  const whole = `cluster_known_nodes:${nodes.length}\r\n`;
  for (const { port } of nodes) {
    await until(JOIN_MS, "every node knows every other", async () => (await info(port)).includes(whole));
  }
  for (const [index, { port }] of replicas.entries()) {
    // A node counts as known, under another name, while the two still shake hands.
    await until(
      JOIN_MS,
      "a replica has its primary",
      async () => (await redisCommand(port, "CLUSTER", "REPLICATE", ids[index] as string)) === "OK",
    );
  }
  for (const { port } of primaries.slice(0, replicas.length)) {
    // As the primary sees it: it holds its writes back until the replica has said that it is ready.
    await until(JOIN_MS, "every replica follows", async () =>
      String(await redisCommand(port, "INFO", "replication")).includes("state=online"),
    );
  }
  for (const { port } of nodes) {
    await until(JOIN_MS, "every node finds the cluster whole", async () => {
      const slots = await redisCommand(port, "CLUSTER", "SLOTS");
      const each = 2 + 1 + (replicas.length > 0 ? 1 : 0);
      const known = Array.isArray(slots) && slots.length === PRIMARIES && slots.every((slot) => slot.length === each);
      return known && (await info(port)).includes("cluster_state:ok");
    });
  }
  return new Cluster(primaries, replicas, ids);
}

function rangeOf(index: number): [first: number, last: number] {
  return [Math.ceil((index * SLOTS) / PRIMARIES), Math.ceil(((index + 1) * SLOTS) / PRIMARIES) - 1];
}

async function busOf(port: number): Promise<number> {
  const reply = await redisCommand(port, "CONFIG", "GET", "cluster-port");
  return Number(Array.isArray(reply) ? reply[1] : undefined);
}

class Cluster implements RedisCluster {
  readonly primaries: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];
  readonly #ids: readonly string[];

  constructor(primaries: readonly RedisServer[], replicas: readonly RedisServer[], ids: readonly string[]) {
    this.primaries = primaries;
    this.replicas = replicas;
    this.#ids = ids;
  }

  get connectionString(): string {
    return this.primaries.map((node) => node.connectionString).join(",");
  }

  async startMove(slot: number, from: number, to: number): Promise<void> {
    await redisCommand(this.#port(to), "CLUSTER", "SETSLOT", slot, "IMPORTING", this.#ids[from] as string);
    await redisCommand(this.#port(from), "CLUSTER", "SETSLOT", slot, "MIGRATING", this.#ids[to] as string);
  }

  async moveKeys(slot: number, from: number, to: number, count: number): Promise<number> {
    const keys = await redisCommand(this.#port(from), "CLUSTER", "GETKEYSINSLOT", slot, count);
    if (!Array.isArray(keys) || keys.length === 0) return 0;
    await redisCommand(
      this.#port(from),
      "MIGRATE",
      LOOPBACK,
      this.#port(to),
      "",
      0,
      5_000,
      "KEYS",
      ...keys.map(String),
    );
    return keys.length;
  }

  async endMove(slot: number, from: number, to: number): Promise<void> {
    // The new primary first: it must never be that nobody serves the slot.
    for (const port of [this.#port(to), this.#port(from)]) {
      await redisCommand(port, "CLUSTER", "SETSLOT", slot, "NODE", this.#ids[to] as string);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.primaries, ...this.replicas].map((node) => node.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #port(index: number): number {
    return (this.primaries[index] as RedisServer).port;
  }
}
