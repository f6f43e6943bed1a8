import type { ConnectionOptions } from "node:tls";
import { isLarderError, LarderError } from "@larder/schema";
import { storeClosed } from "../../call.ts";
import { type ClusterMap, parseEndpoint, readClusterMap } from "./cluster-map.ts";
import {
  isFailure,
  type RedisConnection,
  type Reply,
  type ReplyFailure,
  ServerConnection,
  type Wait,
} from "./connection.ts";
import { keySlot } from "./key-slot.ts";
import { endpointText, type RedisEndpoint, type RedisLogin } from "./redis-target.ts";
import { type ConnectionTimes, fixedServer, type ServerPlan } from "./server-plan.ts";
import type { RedisCommand } from "./wire-command.ts";

/** How to get into every node. */
export interface ClusterPlan {
  readonly login: RedisLogin;
  readonly tls: ConnectionOptions | undefined;
  readonly times: ConnectionTimes;
}

/** Connects to every primary of a Redis Cluster; any seed that answers tells them. @throws STORE_UNAVAILABLE, STORE_MISCONFIGURED */
export async function connectCluster(seeds: readonly RedisEndpoint[], plan: ClusterPlan): Promise<RedisConnection> {
  const connection = new ClusterConnection(seeds, plan);
  try {
    await connection.open();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** How often one command follows a redirection: more than one means that the cluster moves while it is asked. */
const MAX_HOPS = 5;

/** Least time between two looks at the map because calls fail. */
const REFRESH_MS = 100;

/** Times of a connection that only asks for the map, or joins later. */
const QUICK_MS = 1_000;

/** A command on its way to a node. */
interface Errand {
  readonly command: RedisCommand;
  readonly index: number;
  readonly slot: number;
  readonly node: ServerConnection;
  readonly asking: boolean;
}

/**
 * All primaries of a cluster, each with a connection of its own. The map of slots is read when it opens and again when a call meets a redirection
 * or a node that fails: no timer looks for changes that nobody needs.
 */
class ClusterConnection implements RedisConnection {
  readonly sharded = true;
  readonly server: string;
  readonly #seeds: readonly RedisEndpoint[];
  readonly #plan: ClusterPlan;
  /** By `host:port`. */
  readonly #nodes = new Map<string, ServerConnection>();
  /** Connections that only asked for the map and are still open. */
  readonly #guests = new Set<ServerConnection>();
  #owners: readonly (string | undefined)[] = [];
  #refreshing: Promise<void> | undefined;
  #refreshed = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(seeds: readonly RedisEndpoint[], plan: ClusterPlan) {
    this.#seeds = seeds;
    this.#plan = plan;
    this.server = seeds.map(endpointText).join(",");
  }

  async open(): Promise<void> {
    const map = await this.#askForMap();
    this.#owners = map.owners;
    const opening = [...map.primaries].map(async ([name, endpoint]) => {
      const node = new ServerConnection(fixedServer(endpoint, this.#plan));
      this.#nodes.set(name, node);
      await node.open();
    });
    // All are waited for: one that fails must not leave another half open.
    const failure = (await Promise.allSettled(opening)).find((each) => each.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  }

  primaries(): readonly RedisConnection[] {
    return [...this.#nodes.values()];
  }

  planFor(key: string): ServerPlan {
    return this.#ownerOf(keySlot(key)).planFor();
  }

  async exchange(commands: readonly RedisCommand[], wait: Wait): Promise<readonly (Reply | ReplyFailure)[]> {
    const replies: (Reply | ReplyFailure)[] = new Array(commands.length);
    let errands = commands.map((command, index): Errand => {
      const slot = keySlot(keyOf(command));
      return { command, index, slot, node: this.#ownerOf(slot), asking: false };
    });
    for (let hops = 0; errands.length > 0; hops++) {
      const again: { readonly errand: Errand; readonly failure: ReplyFailure }[] = [];
      await Promise.all(
        byNode(errands).map(async ([node, group]) => {
          const answers = await this.#send(node, group, wait);
          for (const [at, errand] of group.entries()) {
            const reply = answers[at] as Reply | ReplyFailure;
            if (!isFailure(reply) || !isRedirection(reply)) replies[errand.index] = reply;
            else if (hops < MAX_HOPS) again.push({ errand, failure: reply });
            else throw astray(reply, node.server);
          }
        }),
      );
      errands = again.length === 0 ? [] : await this.#redirect(again, wait);
    }
    return replies;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#nodes.values(), ...this.#guests].map((node) => node.close()));
    // It ends soon: what it waited for is closed.
    await this.#refreshing?.catch(() => {});
  }

  #ownerOf(slot: number): ServerConnection {
    if (this.#closed) throw storeClosed();
    const node = this.#nodes.get(this.#owners[slot] ?? "");
    if (node !== undefined) return node;
    this.#refreshSoon();
    throw new LarderError("STORE_UNAVAILABLE", {
      what: `No primary of the Redis Cluster at ${this.server} holds slot ${slot}`,
      remedy: "Bring the missing primary back, or wait until its replica takes over",
      facts: { server: this.server, slot },
    });
  }

  /** Sends one node its commands, each after ASKING where the slot is still on its way. */
  async #send(
    node: ServerConnection,
    errands: readonly Errand[],
    wait: Wait,
  ): Promise<readonly (Reply | ReplyFailure)[]> {
    const commands = errands.flatMap(({ command, asking }) => (asking ? [ASKING, command] : [command]));
    try {
      const answers = await node.exchange(commands, wait);
      if (answers.some((answer) => isFailure(answer) && answer.code === "CLUSTERDOWN")) this.#refreshSoon();
      return errands.length === commands.length ? answers : answers.filter((_, at) => commands[at] !== ASKING);
    } catch (error) {
      if (this.#closed) throw storeClosed();
      this.#refreshSoon();
      if (!isLarderError(error, "STORE_CLOSED")) throw error;
      throw new LarderError("STORE_UNAVAILABLE", {
        what: `Redis at ${node.server} left the cluster while it was asked`,
        remedy: "Call again",
        facts: { server: node.server },
      });
    }
  }

  /** Where redirected commands go next: a moved slot to its owner by a fresh map, one that is on its way to the node that takes it in. */
  async #redirect(
    redirected: readonly { readonly errand: Errand; readonly failure: ReplyFailure }[],
    wait: Wait,
  ): Promise<Errand[]> {
    const targets = redirected.map(({ errand, failure }) => targetOf(failure, errand.node));
    const unknown = targets.some((target) => !this.#nodes.has(endpointText(target)));
    const moved = redirected.some(({ failure }) => failure.code === "MOVED");
    if (unknown) await endedBy(this.#refresh(), wait);
    else if (moved) this.#refreshSoon();
    return redirected.map(({ errand, failure }, at) => {
      const node = this.#nodes.get(endpointText(targets[at] as RedisEndpoint));
      if (node === undefined) throw astray(failure, errand.node.server);
      return { ...errand, node, asking: failure.code === "ASK" };
    });
  }

  #refreshSoon(): void {
    if (this.#closed || performance.now() - this.#refreshed < REFRESH_MS) return;
    // A map that can't be had leaves the old one; calls go on failing and ask again.
    this.#refresh().catch(() => {});
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#adoptMap().finally(() => {
      this.#refreshing = undefined;
      this.#refreshed = performance.now();
    });
    return this.#refreshing;
  }

  async #adoptMap(): Promise<void> {
    const map = await this.#askForMap();
    if (this.#closed) return;
    const fresh = [...map.primaries].filter(([name]) => !this.#nodes.has(name));
    const joined = await Promise.all(
      fresh.map(async ([name, endpoint]) => [name, await this.#join(endpoint)] as const),
    );
    if (this.#closed) {
      await Promise.all(joined.map(([, node]) => node.close()));
      return;
    }
    for (const [name, node] of joined) this.#nodes.set(name, node);
    this.#owners = map.owners;
    for (const [name, node] of this.#nodes) {
      if (map.primaries.has(name)) continue;
      this.#nodes.delete(name);
      void node.close();
    }
  }

  /** A connection to a new primary, which goes on trying when it can't be reached at once. */
  async #join(endpoint: RedisEndpoint): Promise<ServerConnection> {
    const node = new ServerConnection(fixedServer(endpoint, this.#plan));
    this.#guests.add(node);
    await node.openLater(QUICK_MS);
    this.#guests.delete(node);
    return node;
  }

  /** Asks nodes and then seeds, until one tells the map. @throws the last failure */
  async #askForMap(): Promise<ClusterMap> {
    let failure: unknown;
    const askers: (() => Promise<ClusterMap>)[] = [
      ...[...this.#nodes.values()].map((node) => () => readClusterMap(node, QUICK_MS)),
      ...this.#seeds.map((seed) => () => this.#askSeed(seed)),
    ];
    for (const ask of askers) {
      if (this.#closed) throw storeClosed();
      try {
        return await ask();
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #askSeed(seed: RedisEndpoint): Promise<ClusterMap> {
    const times = { connectMs: QUICK_MS, hangMs: QUICK_MS };
    const guest = new ServerConnection(fixedServer(seed, { ...this.#plan, times }));
    this.#guests.add(guest);
    try {
      await guest.open();
      return await readClusterMap(guest, QUICK_MS);
    } finally {
      await guest.close();
      this.#guests.delete(guest);
    }
  }
}

const ASKING: RedisCommand = ["ASKING", []];

/** The first key of a command: scripts take a hash or text and a count before it. */
function keyOf([name, args]: RedisCommand): string | Buffer {
  const [key] = args.slice(name.startsWith("EVAL") ? 2 : 0).flat();
  if (key !== undefined) return key;
  throw new LarderError("INTERNAL", {
    what: `${name} has no key, so no node of a cluster is its place`,
    remedy: "Send it to each primary",
  });
}

function byNode(errands: readonly Errand[]): readonly (readonly [ServerConnection, readonly Errand[]])[] {
  const groups = new Map<ServerConnection, Errand[]>();
  for (const errand of errands) {
    const group = groups.get(errand.node);
    if (group === undefined) groups.set(errand.node, [errand]);
    else group.push(errand);
  }
  return [...groups];
}

/** A redirection that led nowhere. */
function astray({ text }: ReplyFailure, server: string): LarderError {
  return new LarderError("STORE_UNAVAILABLE", {
    what: `Redis at ${server} answered: ${text}, and that node is not reached`,
    remedy:
      "Call again when the cluster has settled; if it goes on, check that its nodes announce addresses that can be reached from here",
    facts: { server },
  });
}

function isRedirection({ code }: ReplyFailure): boolean {
  return code === "MOVED" || code === "ASK";
}

/** `MOVED 3999 127.0.0.1:6381`; without a host it is the one that answered. */
function targetOf({ text }: ReplyFailure, answered: ServerConnection): RedisEndpoint {
  return parseEndpoint(text.split(" ")[2] ?? "", answered.server);
}

/** Waits for a promise, at most as long as the call does; what is still missing then shows where it is needed. */
async function endedBy(work: Promise<void>, { deadline, signal }: Wait): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let abort = () => {};
  const end = new Promise<void>((resolve) => {
    abort = resolve;
    timer = setTimeout(resolve, Math.max(0, Math.min(deadline - performance.now(), QUICK_MS)));
    signal?.addEventListener("abort", abort);
  });
  try {
    await Promise.race([work.catch(() => {}), end]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
