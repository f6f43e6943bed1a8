import { isLarderError, LarderError } from "@larder/schema";
import { isFailure, type RedisConnection, ServerConnection } from "../connection.ts";
import { CHANNEL_RIGHTS } from "../redis-errors.ts";
import type { ServerPlan } from "../server-plan.ts";

/** Who wants to hear a channel. */
export interface ChannelWatcher {
  /** From now on messages come. Rejects when it can't go on; the channel is then subscribed to again. */
  subscribed(): Promise<void>;
  message(bytes: Buffer): void;
  /** None come until the next `subscribed`. */
  lost(): void;
  /** None will ever come. */
  failed(error: LarderError): void;
}

/** One more connection to a server, for messages alone. */
interface Link {
  readonly connection: ServerConnection;
  readonly name: string;
  readonly channels: Set<string>;
  heartbeat: NodeJS.Timeout | undefined;
}

interface Channel {
  readonly name: string;
  readonly watchers: Set<ChannelWatcher>;
  /** Where it is subscribed to; undefined: not yet, or not any longer. */
  link: Link | undefined;
}

/** A server that hangs is noticed after both. It has nothing to do here but to pass messages on. */
const HEARTBEAT_MS = 1_000;
const HANG_MS = 2_000;
const SUBSCRIBE_MS = 5_000;
const FIRST_DELAY_MS = 50;
const LAST_DELAY_MS = 2_000;

/**
 * Hears shard channels, each on the server that holds the key of its name, over one connection per server. Connections that end are made again, at
 * the place where the channel is then.
 */
export class SignalListener {
  readonly #rows: RedisConnection;
  readonly #links = new Map<string, Link>();
  readonly #channels = new Map<string, Channel>();
  #attempts = 0;
  #retry: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #closed = false;

  /** `rows`: the connection that knows where the servers are. */
  constructor(rows: RedisConnection) {
    this.#rows = rows;
  }

  watch(name: string, watcher: ChannelWatcher): void {
    const channel = this.#channels.get(name) ?? { name, watchers: new Set(), link: undefined };
    this.#channels.set(name, channel);
    channel.watchers.add(watcher);
    if (channel.link === undefined) this.#work();
    else this.#greet(channel, watcher);
  }

  unwatch(name: string, watcher: ChannelWatcher): void {
    const channel = this.#channels.get(name);
    if (channel?.watchers.delete(watcher) !== true || channel.watchers.size > 0) return;
    this.#channels.delete(name);
    const { link } = channel;
    if (link === undefined) return;
    link.channels.delete(name);
    if (link.channels.size === 0) this.#end(link);
    // A connection that ends takes the subscription with it.
    else link.connection.exchange([["SUNSUBSCRIBE", [name]]], waitOf(SUBSCRIBE_MS)).catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#channels.clear();
    const connections = [...this.#links.values()].map(({ connection }) => connection);
    for (const link of [...this.#links.values()]) this.#end(link);
    await Promise.all(connections.map((connection) => connection.close()));
    await this.#working;
  }

  /** Subscribes to what is not subscribed to; one at a time, and again later while something is left. */
  #work(): void {
    if (this.#closed || this.#working !== undefined) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const missing = [...this.#channels.values()].filter(({ link }) => link === undefined);
    if (missing.length === 0) return;
    this.#working = this.#subscribeAll(missing).finally(() => {
      this.#working = undefined;
      this.#workLater();
    });
  }

  #workLater(): void {
    const missing = [...this.#channels.values()].some(({ link }) => link === undefined);
    if (!missing) {
      this.#attempts = 0;
      return;
    }
    if (this.#closed || this.#retry !== undefined) return;
    const delay = Math.min(FIRST_DELAY_MS * 2 ** this.#attempts++, LAST_DELAY_MS);
    this.#retry = setTimeout(() => this.#work(), delay * (0.75 + Math.random() / 2)).unref();
  }

  async #subscribeAll(missing: readonly Channel[]): Promise<void> {
    const places = new Map<string, { readonly plan: ServerPlan; readonly channels: Channel[] }>();
    for (const channel of missing) {
      const plan = this.#placeOf(channel);
      if (plan === undefined) continue;
      const place = places.get(plan.name) ?? { plan, channels: [] };
      place.channels.push(channel);
      places.set(plan.name, place);
    }
    await Promise.all([...places.values()].map(({ plan, channels }) => this.#subscribe(plan, channels)));
  }

  #placeOf({ name }: Channel): ServerPlan | undefined {
    try {
      return this.#rows.planFor(name);
    } catch {
      // No server is known now: asked again later.
      return undefined;
    }
  }

  async #subscribe(plan: ServerPlan, channels: readonly Channel[]): Promise<void> {
    try {
      const link = this.#links.get(plan.name) ?? (await this.#open(plan));
      const commands = channels.map(({ name }) => ["SSUBSCRIBE", [name]] as const);
      const replies = await link.connection.exchange(commands, waitOf(SUBSCRIBE_MS));
      for (const [at, channel] of channels.entries()) {
        const reply = replies[at];
        if (!isFailure(reply)) this.#settle(channel, link);
        else if (reply.code === "NOPERM") this.#fail(channel, unheard(link.connection.server, reply.text));
      }
      if (link.channels.size === 0) this.#end(link);
    } catch (error) {
      if (isLarderError(error, "STORE_MISCONFIGURED")) for (const channel of channels) this.#fail(channel, error);
    }
  }

  async #open(plan: ServerPlan): Promise<Link> {
    const connection = new ServerConnection(
      { ...plan, times: { ...plan.times, hangMs: HANG_MS } },
      {
        message: (name, bytes) => {
          for (const watcher of this.#channels.get(name)?.watchers ?? []) watcher.message(bytes);
        },
        ended: () => this.#lose(link),
      },
    );
    const link: Link = { connection, name: plan.name, channels: new Set(), heartbeat: undefined };
    await connection.open();
    if (this.#closed) {
      await connection.close();
      throw new Error("closed meanwhile");
    }
    this.#links.set(plan.name, link);
    // A server that hangs, or a road that ends nowhere, shows by an answer that does not come.
    link.heartbeat = setInterval(() => {
      connection.exchange([["PING", []]], waitOf(SUBSCRIBE_MS)).catch(() => {});
    }, HEARTBEAT_MS).unref();
    return link;
  }

  #settle(channel: Channel, link: Link): void {
    if (this.#links.get(link.name) !== link || this.#channels.get(channel.name) !== channel) return;
    channel.link = link;
    link.channels.add(channel.name);
    for (const watcher of channel.watchers) this.#greet(channel, watcher);
  }

  #greet(channel: Channel, watcher: ChannelWatcher): void {
    watcher.subscribed().catch(() => {
      if (channel.link === undefined || !channel.watchers.has(watcher)) return;
      channel.link.channels.delete(channel.name);
      channel.link = undefined;
      for (const each of channel.watchers) each.lost();
      this.#workLater();
    });
  }

  #fail(channel: Channel, error: LarderError): void {
    this.#channels.delete(channel.name);
    for (const watcher of channel.watchers) watcher.failed(error);
  }

  #lose(link: Link): void {
    if (this.#links.get(link.name) !== link) return;
    this.#end(link);
    for (const name of link.channels) {
      const channel = this.#channels.get(name);
      if (channel?.link !== link) continue;
      channel.link = undefined;
      for (const watcher of channel.watchers) watcher.lost();
    }
    this.#workLater();
  }

  #end(link: Link): void {
    if (this.#links.get(link.name) === link) this.#links.delete(link.name);
    clearInterval(link.heartbeat);
    void link.connection.close();
  }
}

function waitOf(milliseconds: number) {
  return { deadline: performance.now() + milliseconds, signal: undefined };
}

function unheard(server: string, text: string): LarderError {
  return new LarderError("STORE_MISCONFIGURED", {
    what: `Redis at ${server} lets nobody hear freshness signals: ${text.slice(0, 300)}`,
    remedy: CHANNEL_RIGHTS,
    facts: { server },
  });
}
