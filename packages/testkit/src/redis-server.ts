import { accessSync, constants } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";
import { within } from "./deadline.ts";
import { freePort, LOOPBACK } from "./free-port.ts";
import { type ChildHandle, startProcess } from "./process.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** What a test may change about its server. */
export interface RedisOptions {
  /** Added to the command line, where the last one wins: `["--requirepass", "secret"]`. Don't silence the log: it tells when the server is ready. */
  readonly args?: readonly string[];
  /** Added to the environment, as {@link utf8Locale} gives it. */
  readonly env?: Readonly<Record<string, string>>;
  /** A port to listen on, for a second server in a dead one's place. Default: a free one. */
  readonly port?: number;
}

/** A Redis server of the test's own: empty, without persistence, on a loopback port. */
export interface RedisServer {
  readonly host: string;
  readonly port: number;
  /** Of the running process; another one after `restart`. */
  readonly pid: number;
  /** `host:port`, as `feature_store.yaml` takes it. */
  readonly connectionString: string;
  /** What the server has logged. */
  readonly log: string;
  /** Sends a signal. Resolves when the server has ended, or at once for SIGSTOP and SIGCONT, which only halt it and let it go on. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the server if it runs and starts it again on the same port, empty. */
  restart(): Promise<void>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a real redis-server: the one on PATH, else the one that `npm test` keeps in the cache. It never outlives this process. Fails with the
 * remedy when there is none.
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const binary = findRedis();
  const folder = await temporaryFolder();
  try {
    const { port, child } = await startOnSomePort(binary, folder.path, options);
    return new Server(port, child, {
      again: () => startOn(binary, folder.path, port, options),
      remove: () => folder.remove(),
    });
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

const READY_MS = 15_000;
const TAKEN = /Address already in use|Failed listening on port/;

/** The way back to a running server, and the way out. */
interface Upkeep {
  again(): Promise<ChildHandle>;
  remove(): Promise<void>;
}

class Server implements RedisServer {
  readonly host = LOOPBACK;
  readonly port: number;
  readonly #upkeep: Upkeep;
  #child: ChildHandle;

  constructor(port: number, child: ChildHandle, upkeep: Upkeep) {
    this.port = port;
    this.#child = child;
    this.#upkeep = upkeep;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get connectionString(): string {
    return `${this.host}:${this.port}`;
  }

  get log(): string {
    return this.#child.stdout + this.#child.stderr;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.#child.signal(signal);
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") await this.#child.waitForExit();
  }

  async restart(): Promise<void> {
    await this.kill("SIGKILL");
    this.#child = await this.#upkeep.again();
  }

  async stop(): Promise<void> {
    // Nothing is persisted, so there is nothing that a gentler signal would save.
    await this.kill("SIGKILL");
    await this.#upkeep.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** LARDER_CACHE is set by every script of this repository; scripts/servers/redis.mjs is what fills `servers/redis`. */
function findRedis(): string {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, "redis-server");
    if (folder !== "" && isExecutable(path)) return path;
  }
  const cache = process.env["LARDER_CACHE"];
  if (cache !== undefined) {
    const path = join(cache, "servers", "redis", "redis-server");
    if (isExecutable(path)) return path;
  }
  const looked = cache === undefined ? "PATH (LARDER_CACHE is not set)" : `PATH and ${join(cache, "servers", "redis")}`;
  throw new Error(
    `There is no redis-server on ${looked}. Run "node scripts/servers/install.mjs redis", or install Redis 7 yourself.`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function startOnSomePort(
  binary: string,
  folder: string,
  options: RedisOptions,
): Promise<{ port: number; child: ChildHandle }> {
  if (options.port !== undefined)
    return { port: options.port, child: await startOn(binary, folder, options.port, options) };
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { port, child: await startOn(binary, folder, port, options) };
    } catch (error) {
      // Somebody else took the port in between. Anything else is no matter of luck.
      if (attempt === 5 || !(error instanceof Error && TAKEN.test(error.message))) throw error;
    }
  }
}

async function startOn(binary: string, folder: string, port: number, options: RedisOptions): Promise<ChildHandle> {
  const settings = {
    "--bind": LOOPBACK,
    "--port": String(port),
    "--dir": folder,
    "--save": "",
    "--appendonly": "no",
    "--hash-max-listpack-value": "512",
  };
  const child = await startProcess(binary, [...Object.entries(settings).flat(), ...(options.args ?? [])], {
    cwd: folder,
    folder,
    env: options.env ?? {},
  });
  try {
    // The log proves that it is this server that got the port; the PING, that it answers.
    await child.waitForLine(/Ready to accept connections/, READY_MS);
    await within(READY_MS, () => `an answer to PING on port ${port}`, ping(port));
    return child;
  } catch (error) {
    await child.end(0);
    throw error;
  }
}

/** One PING over a plain socket. A server that asks for a password has answered, too. */
function ping(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, LOOPBACK, () => socket.write("PING\r\n"));
    socket.once("error", reject);
    socket.once("data", (bytes: Buffer) => {
      const answer = bytes.toString("latin1");
      if (answer.startsWith("+PONG") || answer.startsWith("-NOAUTH")) resolve();
      else reject(new Error(`Redis on port ${port} answered PING with ${JSON.stringify(answer)}.`));
      socket.destroy();
    });
  });
}
