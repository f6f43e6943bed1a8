import type { Pace } from "../../upkeep/pace.ts";
import { isFailure, type RedisConnection, type Reply } from "./connection.ts";
import type { NextWait } from "./scan-rows.ts";
import { runOne } from "./scripts.ts";

/** Keys that one step looks at: about a third of a millisecond of Redis's one thread. */
const PAGE_KEYS = 250;

/** Steps of a glimpse: about 100,000 keys. */
const GLIMPSES = 400;

/** Most keys that all samples hold together. */
const MOST_OF_ALL = 100_000;

/** A key whose size may be asked for, and where. */
export interface SampledKey {
  readonly key: Buffer;
  readonly primary: RedisConnection;
}

/** How many keys a group has, and an even sample of them in random order. */
export interface KeySample {
  readonly count: number;
  /** Three standard errors of `count`, relative; 0 where all keys were counted. */
  readonly countError: number;
  readonly keys: readonly SampledKey[];
}

/** Which keys to walk over, and how to sample them. */
export interface SampleOptions {
  /** Of SCAN. */
  readonly pattern: string | Buffer;
  /** The group of a key; undefined leaves it out. */
  readonly groupOf: (key: Buffer) => string | undefined;
  /** Most keys of one group that are sampled. */
  readonly most: number;
}

/**
 * Walks over the keys of all primaries, counts them by group and keeps an even sample of each group (reservoir sampling, Vitter's algorithm R). Of
 * very many groups each gets a smaller sample, so that memory is bounded. A key that is scanned twice while a server resizes its table counts twice.
 */
export async function sampleKeys(
  connection: RedisConnection,
  { pattern, groupOf, most }: SampleOptions,
  pace: Pace,
  nextWait: NextWait,
): Promise<ReadonlyMap<string, KeySample>> {
  const groups = new Map<string, Group>();
  let limit = most;
  for (const primary of connection.primaries()) {
    for await (const keys of keyPages(primary, pattern, nextWait)) {
      takeAll(groups, keys, primary, { groupOf, most: limit });
      limit = boundAll(groups, limit);
      await pace.rest();
    }
  }
  return samplesOf(groups, (count) => ({ count, countError: 0 }));
}

/**
 * The same for a server with too many keys to walk over: looks at pages that begin at random places of its table, which is as good as random keys
 * since a key's place is its hash, and takes a group to be as much of all `total` keys as of those seen. Only for a connection to one server: in a
 * cluster a cursor names a slot, too.
 */
export async function glimpseKeys(
  connection: RedisConnection,
  { groupOf, most }: Omit<SampleOptions, "pattern">,
  total: number,
  pace: Pace,
  nextWait: NextWait,
): Promise<ReadonlyMap<string, KeySample>> {
  const groups = new Map<string, Group>();
  let seen = 0;
  for (let step = 0; step < GLIMPSES; step++) {
    const place = String(Math.floor(Math.random() * 2 ** 48));
    const reply = await runOne(connection, ["SCAN", [place, "count", String(PAGE_KEYS)]], nextWait());
    const [, found] = pageOf(reply);
    seen += found.length;
    takeAll(groups, found, connection, { groupOf, most });
    await pace.rest();
  }
  return samplesOf(groups, (count) => {
    const share = count / seen;
    return { count: Math.round(total * share), countError: 3 * Math.sqrt((1 - share) / count) };
  });
}

/**
 * Bytes of some keys by MEMORY USAGE, every element of a value counted; 0 for one that is gone or that moved to another node meanwhile.
 * @throws what Redis replies where the user may not ask
 */
export async function sizesOf(sampled: readonly SampledKey[], nextWait: NextWait): Promise<readonly number[]> {
  const sizes = new Array<number>(sampled.length).fill(0);
  const byPrimary = Map.groupBy(sampled.keys(), (index) => (sampled[index] as SampledKey).primary);
  for (const [primary, indexes] of byPrimary) {
    const replies = await primary.exchange(
      indexes.map((index) => ["MEMORY", ["USAGE", (sampled[index] as SampledKey).key, "SAMPLES", "0"]]),
      nextWait(),
    );
    for (const [at, reply] of replies.entries()) {
      if (isFailure(reply) && reply.code !== "MOVED" && reply.code !== "ASK") throw reply.error;
      if (typeof reply === "number") sizes[indexes[at] as number] = reply;
    }
  }
  return sizes;
}

interface Group {
  count: number;
  readonly keys: SampledKey[];
}

async function* keyPages(
  primary: RedisConnection,
  pattern: string | Buffer,
  nextWait: NextWait,
): AsyncGenerator<readonly Buffer[]> {
  let cursor = "0";
  do {
    const scan = ["SCAN", [cursor, "match", pattern, "count", String(PAGE_KEYS)]] as const;
    const reply = await runOne(primary, scan, nextWait());
    const [next, found] = pageOf(reply);
    yield found;
    cursor = next;
  } while (cursor !== "0");
}

/** Where SCAN goes on, and the keys that it found. */
function pageOf(reply: Reply): readonly [next: string, keys: readonly Buffer[]] {
  const [next, found] = Array.isArray(reply) ? reply : [];
  return [String(next ?? "0"), (Array.isArray(found) ? found : []).filter((key) => Buffer.isBuffer(key))];
}

function takeAll(
  groups: Map<string, Group>,
  keys: readonly Buffer[],
  primary: RedisConnection,
  { groupOf, most }: Omit<SampleOptions, "pattern">,
): void {
  for (const key of keys) {
    const name = groupOf(key);
    if (name === undefined) continue;
    const group = groups.get(name) ?? { count: 0, keys: [] };
    groups.set(name, group);
    group.count++;
    const at = group.keys.length < most ? group.keys.length : Math.floor(Math.random() * group.count);
    // A copy: the reply's key would keep alive all that the socket brought with it.
    if (at < most) group.keys[at] = { key: Buffer.from(key), primary };
  }
}

function samplesOf(
  groups: ReadonlyMap<string, Group>,
  countOf: (count: number) => Pick<KeySample, "count" | "countError">,
): ReadonlyMap<string, KeySample> {
  const samples = new Map<string, KeySample>();
  for (const [name, { count, keys }] of groups) {
    shuffle(keys);
    samples.set(name, { ...countOf(count), keys });
  }
  return samples;
}

/** Halves the samples of all groups when they are too many together. */
function boundAll(groups: ReadonlyMap<string, Group>, limit: number): number {
  const held = [...groups.values()].reduce((sum, { keys }) => sum + keys.length, 0);
  if (held <= MOST_OF_ALL || limit === 1) return limit;
  const less = Math.ceil(limit / 2);
  for (const { keys } of groups.values()) {
    shuffle(keys);
    keys.length = Math.min(keys.length, less);
  }
  return less;
}

/** Fisher and Yates. */
function shuffle<T>(items: T[]): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
}
