import { LarderError } from "@larder/schema";
import { Redis } from "ioredis";
import { aborted, storeClosed, timedOut, timeLeft } from "../../call.ts";
import { loginError, redisError, replyCode, replyText } from "./redis-errors.ts";
import { endpointText } from "./redis-target.ts";
import { connectorOf, type ServerPlan } from "./server-plan.ts";
import { type RedisCommand, toIoredis } from "./wire-command.ts";

/** What Redis answers; text arrives as Buffers. */
export type Reply = Buffer | number | null | readonly Reply[];

/** An error that Redis replied to one command: the connection is fine. `code` is Redis's own, for example WRONGTYPE. */
export interface ReplyFailure {
  readonly code: string;
  /** All that Redis said, its code included. */
  readonly text: string;
  readonly error: LarderError;
}

/** The end of a wait: a point on the `performance.now()` line, and a signal. */
export interface Wait {
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A way to the rows: one server, or all primaries of a cluster. While a server is down every exchange with it fails at once; it comes back by
 * itself. Nothing is ever sent twice: whether a lost command may be repeated is the caller's to know.
 */
export interface RedisConnection {
  /** `host:port`, for messages. */
  readonly server: string;
  /** True where keys are spread over servers by their slot: the keys of one command or script must then be of one slot. */
  readonly sharded: boolean;
  /**
   * Sends commands in one round trip per server and answers each, in order. An error that Redis replies is an answer. A cluster takes only
   * commands with a key.
   * @throws STORE_UNAVAILABLE, STORE_TIMEOUT, STORE_CLOSED, ABORTED when an answer is missing
   */
  exchange(commands: readonly RedisCommand[], wait: Wait): Promise<readonly (Reply | ReplyFailure)[]>;
  /** Every primary by itself, for commands without a key. */
  primaries(): readonly RedisConnection[];
  /** How to connect once more to the server that holds a key. @throws STORE_UNAVAILABLE when none is known, STORE_CLOSED */
  planFor(key: string): ServerPlan;
  /** Ends the connection; what waits for an answer fails with STORE_CLOSED. */
  close(): Promise<void>;
}

/** True for an answer that is an error. */
export function isFailure(reply: Reply | ReplyFailure | undefined): reply is ReplyFailure {
  return typeof reply === "object" && reply !== null && "error" in reply;
}

/** Most bytes of commands that may wait for their answers. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

const TICK_MS = 250;
const FIRST_DELAY_MS = 50;
/** A server that is back is not used before the next try. */
const LAST_DELAY_MS = 500;

/** What a connection hears besides answers, once it is open. */
export interface PushListener {
  /** A message on a shard channel that it has subscribed to. */
  message(channel: string, message: Buffer): void;
  /** The connection ended, or the server took a subscription back: nothing is heard until it is opened anew. */
  ended(): void;
}

/** One connection to one server. What ioredis does and how it fails is known here; server-plan.ts and wire-command.ts give it its sockets and bytes. */
export class ServerConnection implements RedisConnection {
  readonly sharded = false;
  readonly #redis: Redis;
  readonly #plan: ServerPlan;
  #server: string;
  #lastError: unknown;
  #opened = false;
  #closed = false;
  /** Settled when the server has proved what it is. */
  #proof: Promise<void> = Promise.resolve();
  #proved = false;
  #reconnect: NodeJS.Timeout | undefined;
  #attempts = 0;
  #watchdog: NodeJS.Timeout | undefined;
  #waiting = 0;
  #gathering = false;
  #answers = 0;

  constructor(plan: ServerPlan, listener?: PushListener) {
    this.#plan = plan;
    this.#server = plan.name;
    const { login, tls, times } = plan;
    this.#redis = new Redis({
      Connector: connectorOf(plan, (endpoint) => {
        this.#server = endpointText(endpoint);
      }),
      db: login.db,
      ...(login.username === undefined ? {} : { username: login.username }),
      ...(login.password === undefined ? {} : { password: login.password }),
      // Only to say that a connection is there when its handshake is done.
      ...(tls === undefined ? {} : { tls: {} }),
      lazyConnect: true,
      connectTimeout: times.connectMs,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // Reconnecting is done below: ioredis would leave a timer behind when closed in between.
      retryStrategy: null,
      // A server that still loads its data says so to every command.
      enableReadyCheck: false,
      disableClientInfo: true,
      // A primary that became a replica: its name may lead to the new primary by now.
      reconnectOnError: (error) => replyCode(error) === "READONLY",
    });
    this.#redis.on("error", (error) => this.#noteError(error));
    this.#redis.on("ready", () => {
      // It is, when the login failed in a way that ioredis does not mind.
      if (this.#redis.stream.destroyed) return;
      this.#proof = this.#prove();
    });
    this.#redis.on("end", () => {
      this.#proved = false;
      listener?.ended();
      this.#connectLater();
    });
    if (listener === undefined) return;
    this.#redis.on("smessageBuffer", (channel: Buffer, message: Buffer) => listener.message(String(channel), message));
    // ioredis's word for a slot that went to another node, and its subscriptions with it.
    this.#redis.on("moved", () => listener.ended());
  }

  get server(): string {
    return this.#server;
  }

  primaries(): readonly RedisConnection[] {
    return [this];
  }

  planFor(): ServerPlan {
    return this.#plan;
  }

  /** Connects and logs in; a connection that could not is closed. @throws STORE_UNAVAILABLE, STORE_MISCONFIGURED */
  async open(): Promise<void> {
    this.#watchdog = this.#startWatchdog();
    const { connectMs } = this.#plan.times;
    const late = setTimeout(() => {
      this.#lastError ??= new Error(`no answer within ${connectMs} ms`);
      this.#redis.stream?.destroy();
    }, connectMs);
    try {
      await this.#redis.connect();
      await this.#proof;
      // A db that does not exist is an error event only; ioredis would go on with db 0.
      if (this.#lastError !== undefined) throw this.#lastError;
      this.#opened = true;
    } catch (error) {
      const failure = this.#lastError ?? error;
      await this.close();
      throw loginError(failure, this.server);
    } finally {
      clearTimeout(late);
    }
  }

  /** Connects, again and again until it is there or closed; resolves after the first attempt or `milliseconds`, whichever is sooner. */
  async openLater(milliseconds: number): Promise<void> {
    this.#watchdog = this.#startWatchdog();
    this.#opened = true;
    const first = this.#redis.connect().then(
      () => this.#proof,
      () => {},
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([first, late]);
    clearTimeout(timer);
  }

  exchange(commands: readonly RedisCommand[], wait: Wait): Promise<readonly (Reply | ReplyFailure)[]> {
    const refusal = this.#refusal(wait);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const replies: (Reply | ReplyFailure)[] = new Array(commands.length);
      const wired = commands.map(toIoredis);
      let left = commands.length;
      let timer: NodeJS.Timeout | NodeJS.Immediate = setTimeout(() => {
        // Where this process was busy past the deadline, the answer may lie in the socket: it is read before this runs.
        timer = setImmediate(() => settle(timedOut(`Redis at ${this.server}`)));
      }, timeLeft(wait.deadline));
      const abort = () => settle(aborted(wait.signal as AbortSignal));
      wait.signal?.addEventListener("abort", abort);
      const settle = (failure: LarderError | undefined) => {
        clearTimeout(timer as NodeJS.Timeout);
        clearImmediate(timer as NodeJS.Immediate);
        wait.signal?.removeEventListener("abort", abort);
        if (failure === undefined) resolve(replies);
        else reject(failure);
      };
      const answer = (index: number, reply: Reply | ReplyFailure) => {
        replies[index] = reply;
        if (--left === 0) settle(undefined);
      };
      this.#gatherWrites();
      for (const [i, command] of wired.entries()) {
        const { weight } = command;
        this.#waiting += weight;
        command.promise.then(
          (reply: Reply) => {
            this.#waiting -= weight;
            this.#answers++;
            answer(i, reply);
          },
          (error: unknown) => {
            this.#waiting -= weight;
            this.#answers++;
            const failure = this.#replyFailure(error);
            if (failure === undefined) settle(this.#closed ? storeClosed() : redisError(error, this.server));
            else answer(i, failure);
          },
        );
        this.#redis.sendCommand(command);
      }
      if (commands.length === 0) settle(undefined);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#reconnect);
    clearInterval(this.#watchdog);
    const { status } = this.#redis;
    if (status === "end" || status === "wait") return;
    const ended = new Promise<void>((resolve) => this.#redis.once("end", () => resolve()));
    this.#redis.disconnect();
    this.#redis.stream?.destroy();
    await ended;
  }

  /** Why nothing can be sent now. */
  #refusal(wait: Wait): LarderError | undefined {
    if (this.#closed) return storeClosed();
    if (wait.signal?.aborted) return aborted(wait.signal);
    if (wait.deadline <= performance.now()) return timedOut("The call");
    if (this.#redis.status !== "ready" || !this.#proved) {
      return loginError(this.#lastError ?? new Error("the connection was lost"), this.server);
    }
    if (this.#waiting <= MAX_WAITING_BYTES) return undefined;
    return new LarderError("STORE_UNAVAILABLE", {
      what: `Redis at ${this.server} is too far behind: ${Math.round(this.#waiting / 1e6)} MB of commands wait for its answers`,
      remedy: "Send less at once, or give Redis more room",
      facts: { server: this.server },
    });
  }

  /** What is sent until the running code and its promises are done goes out by one system call: answers that come together wake callers together. */
  #gatherWrites(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    const { stream } = this.#redis;
    stream.cork();
    process.nextTick(() => {
      this.#gathering = false;
      stream.uncork();
    });
  }

  #replyFailure(error: unknown): ReplyFailure | undefined {
    const code = replyCode(error);
    return code === undefined ? undefined : { code, text: replyText(error), error: redisError(error, this.server) };
  }

  /** Asks a server that must be a primary whether it is one; a user who may not ask is let pass. */
  async #prove(): Promise<void> {
    if (this.#plan.primaryOnly) {
      try {
        const command = toIoredis(["ROLE", []]);
        this.#redis.sendCommand(command);
        const [role] = (await command.promise) as Reply[];
        if (String(role) !== "master") {
          this.#lastError = new Error("it is a replica; no primary is known yet");
          this.#redis.stream.destroy();
          return;
        }
      } catch (error) {
        // A connection that broke meanwhile says so by itself.
        if (replyCode(error) !== "NOPERM") return;
      }
    }
    this.#proved = true;
    this.#attempts = 0;
    this.#lastError = undefined;
  }

  #noteError(error: unknown): void {
    this.#lastError = error;
    // The only command that ioredis reports and then goes on: SELECT of a db that is not there or not allowed. Never write to another db.
    if (replyCode(error) !== undefined) this.#redis.stream?.destroy();
  }

  #connectLater(): void {
    if (!this.#opened || this.#closed) return;
    const delay = Math.min(FIRST_DELAY_MS * 2 ** this.#attempts++, LAST_DELAY_MS);
    this.#reconnect = setTimeout(
      () => {
        // Its failure arrives as "end" again.
        this.#redis.connect().catch(() => {});
      },
      delay * (0.75 + Math.random() / 2),
    );
  }

  /** Disconnects a server that owes answers, also those of the login, and gives none. */
  #startWatchdog(): NodeJS.Timeout {
    let seen = -1;
    let since = performance.now();
    const tick = setInterval(() => {
      const { status } = this.#redis;
      const owes = status === "ready" ? this.#waiting > 0 : status === "connect";
      if (!owes || seen !== this.#answers) {
        seen = this.#answers;
        since = performance.now();
      } else if (performance.now() - since >= this.#plan.times.hangMs) {
        this.#lastError = new Error(`no answer for ${this.#plan.times.hangMs} ms`);
        this.#redis.stream?.destroy();
      }
    }, TICK_MS);
    return tick.unref();
  }
}
