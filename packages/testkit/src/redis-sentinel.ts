import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findServer, type RedisProgram } from "./find-server.ts";
import { freePort, LOOPBACK, onFreePort } from "./free-port.ts";
import { type ChildHandle, startProcess } from "./process.ts";
import { redisCommand } from "./redis-command.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

/** What a test may change about its Sentinel. */
export interface RedisSentinelOptions {
  readonly program?: RedisProgram;
  /** Added to the command line of primary and replica. */
  readonly args?: readonly string[];
  /** Everybody, the sentinels and the replica among them, reaches primary and replica by roads that a test can break. */
  readonly roads?: boolean;
}

/** A primary with one replica, watched by three sentinels. */
export interface RedisSentinel {
  /** The first primary and the first replica; a failover changes their roles. */
  readonly primary: RedisServer;
  readonly replica: RedisServer;
  readonly sentinels: readonly SentinelProcess[];
  /** With `roads`: those to the first primary and the first replica. Their ports are what the sentinels name. */
  readonly roads: readonly TcpProxy[];
  /** The name that the sentinels know the primary by. */
  readonly master: string;
  /** `host:port` of every sentinel, separated by commas. */
  readonly connectionString: string;
  /** Port of the primary, as the first sentinel that runs says. */
  primaryPort(): Promise<number>;
  /** Ends all servers and removes their folders. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** One sentinel. */
export interface SentinelProcess {
  readonly port: number;
  /** Sends a signal; waits for the end when it is one that ends it. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

/** Starts them and waits until every sentinel knows the others and the replica. A primary silent for a second is failed over. */
export async function startSentinel(options: RedisSentinelOptions = {}): Promise<RedisSentinel> {
  const stack: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    for (const each of stack.splice(0).reverse()) await each.stop();
  };
  const start = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const started = await starting;
    stack.push(started);
    return started;
  };
  try {
    const args = ["--repl-diskless-sync-delay", "0", ...(options.args ?? [])];
    const roads: TcpProxy[] = [];
    const startServer = async (extra: readonly string[]) => {
      if (options.roads !== true) return start(startRedis({ ...options, args: [...args, ...extra] }));
      // The road is there first: a server tells its address when it becomes a replica.
      const port = await freePort();
      const road = await startTcpProxy({ host: LOOPBACK, port });
      stack.push({ stop: () => road.close() });
      roads.push(road);
      const announced = ["--replica-announce-ip", LOOPBACK, "--replica-announce-port", String(road.port)];
      return start(startRedis({ ...options, port, args: [...args, ...announced, ...extra] }));
    };
    const primary = await startServer([]);
    const primaryPort = roads[0]?.port ?? primary.port;
    const replica = await startServer(["--replicaof", `${LOOPBACK} ${primaryPort}`]);
    // As the primary sees it: it holds its writes back until the replica has said that it is ready.
    await until(JOIN_MS, "the replica follows", async () =>
      String(await redisCommand(primary.port, "INFO", "replication")).includes("state=online"),
    );
    const sentinels: SentinelProcess[] = [];
    for (let i = 0; i < SENTINELS; i++) {
      const binary = findServer(options.program ?? "redis");
      sentinels.push(await start(onFreePort((port) => startOne(binary, port, primaryPort))));
    }
    for (const { port } of sentinels) await until(JOIN_MS, "every sentinel knows all", () => knowsAll(port));
    return {
      primary,
      replica,
      sentinels,
      roads,
      master: MASTER,
      connectionString: sentinels.map(({ port }) => `${LOOPBACK}:${port}`).join(","),
      async primaryPort() {
        for (const { port } of sentinels) {
          const reply = await redisCommand(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER).catch(() => undefined);
          if (Array.isArray(reply)) return Number(reply[1]);
        }
        throw new Error("No sentinel names a primary.");
      },
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const MASTER = "larder";
const SENTINELS = 3;
const JOIN_MS = 30_000;

async function startOne(binary: string, port: number, primaryPort: number): Promise<SentinelProcess> {
  const { path, remove } = await temporaryFolder();
  const config = join(path, "sentinel.conf");
  // A sentinel takes no settings from its command line, and rewrites its file.
  await writeFile(
    config,
    `bind ${LOOPBACK}
port ${port}
sentinel monitor ${MASTER} ${LOOPBACK} ${primaryPort} 2
sentinel down-after-milliseconds ${MASTER} 1000
sentinel failover-timeout ${MASTER} 3000
sentinel parallel-syncs ${MASTER} 1
`,
  );
  let child: ChildHandle | undefined;
  const stop = async () => {
    child?.signal("SIGKILL");
    await child?.waitForExit();
    await remove();
  };
  try {
    child = await startProcess(binary, [config, "--sentinel"], { cwd: path, folder: path });
    await child.waitForLine(/\+monitor master/);
  } catch (error) {
    await stop();
    throw error;
  }
  const running = child;
  return {
    port,
    async kill(signal = "SIGKILL") {
      running.signal(signal);
      if (signal !== "SIGSTOP" && signal !== "SIGCONT") await running.waitForExit();
    },
    stop,
  };
}

async function knowsAll(port: number): Promise<boolean> {
  const reply = await redisCommand(port, "SENTINEL", "MASTER", MASTER);
  const facts = Array.isArray(reply) ? reply : [];
  const fact = (name: string) => facts[facts.indexOf(name) + 1];
  return (
    fact("num-other-sentinels") === String(SENTINELS - 1) && fact("num-slaves") === "1" && fact("flags") === "master"
  );
}
