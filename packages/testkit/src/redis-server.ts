import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import type { Certificates } from "./certificates.ts";
import { within } from "./deadline.ts";
import { findServer, type RedisProgram } from "./find-server.ts";
import { LOOPBACK, onFreePort } from "./free-port.ts";
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
  /** Default: redis. */
  readonly program?: RedisProgram;
  /** Speaks TLS only, with these. Clients are asked for a certificate only with `args: ["--tls-auth-clients", "yes"]`. */
  readonly tls?: Certificates;
  /** Lines of an ACL file: `user larder on >s3cret ~l:* +@read`. */
  readonly acl?: readonly string[];
}

/** A Redis server of the test's own: empty, without persistence, on a loopback port. */
export interface RedisServer {
  readonly host: string;
  readonly port: number;
  /** Of the running process; another one after `restart`. */
  readonly pid: number;
  /** `host:port`, as `feature_store.yaml` takes it. */
  readonly connectionString: string;
  /** Path of the unix socket that it listens on, too. */
  readonly unixSocket: string;
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
  const binary = findServer(options.program ?? "redis");
  const folder = await temporaryFolder();
  try {
    const { port, child } = await startOnSomePort(binary, folder.path, options);
    return new Server(port, child, {
      unixSocket: join(folder.path, SOCKET),
      again: () => startOn(binary, folder.path, port, options),
      remove: () => folder.remove(),
    });
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

const READY_MS = 15_000;
const SOCKET = "redis.sock";

/** The way back to a running server, and the way out. */
interface Upkeep {
  readonly unixSocket: string;
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

  get unixSocket(): string {
    return this.#upkeep.unixSocket;
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

async function startOnSomePort(
  binary: string,
  folder: string,
  options: RedisOptions,
): Promise<{ port: number; child: ChildHandle }> {
  if (options.port !== undefined)
    return { port: options.port, child: await startOn(binary, folder, options.port, options) };
  return onFreePort(async (port) => ({ port, child: await startOn(binary, folder, port, options) }));
}

async function startOn(binary: string, folder: string, port: number, options: RedisOptions): Promise<ChildHandle> {
  const settings = {
    "--bind": LOOPBACK,
    "--port": String(port),
    "--dir": folder,
    "--save": "",
    "--appendonly": "no",
    "--hash-max-listpack-value": "512",
    "--unixsocket": SOCKET,
    ...tlsSettings(port, options.tls),
    ...(await aclSettings(folder, options.acl)),
  };
  const child = await startProcess(binary, [...Object.entries(settings).flat(), ...(options.args ?? [])], {
    cwd: folder,
    folder,
    env: options.env ?? {},
  });
  try {
    // The log proves that it is this server that got the port; the PING, that it answers.
    await child.waitForLine(/Ready to accept connections/, READY_MS);
    await within(READY_MS, () => `an answer to PING on port ${port}`, ping(port, options.tls));
    return child;
  } catch (error) {
    await child.end(0);
    throw error;
  }
}

function tlsSettings(port: number, tls: Certificates | undefined): Record<string, string> {
  if (tls === undefined) return {};
  return {
    "--port": "0",
    "--tls-port": String(port),
    "--tls-cert-file": tls.serverCert,
    "--tls-key-file": tls.serverKey,
    "--tls-ca-cert-file": tls.ca,
    "--tls-auth-clients": "no",
    "--tls-replication": "yes",
    "--tls-cluster": "yes",
  };
}

async function aclSettings(folder: string, acl: readonly string[] | undefined): Promise<Record<string, string>> {
  if (acl === undefined) return {};
  await writeFile(join(folder, "users.acl"), `${acl.join("\n")}\n`);
  return { "--aclfile": "users.acl" };
}

/** One PING over a plain socket. A server that asks for a password has answered, too. */
async function ping(port: number, tls: Certificates | undefined): Promise<void> {
  const socket =
    tls === undefined
      ? connect(port, LOOPBACK)
      : connectTls({
          port,
          host: LOOPBACK,
          ca: await readFile(tls.ca),
          cert: await readFile(tls.clientCert),
          key: await readFile(tls.clientKey),
        });
  socket.write("PING\r\n");
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", (bytes: Buffer) => {
      const answer = bytes.toString("latin1");
      if (answer.startsWith("+PONG") || answer.startsWith("-NOAUTH")) resolve();
      else reject(new Error(`Redis on port ${port} answered PING with ${JSON.stringify(answer)}.`));
      socket.destroy();
    });
  });
}
