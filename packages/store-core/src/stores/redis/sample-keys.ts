import type { Pace } from "../../upkeep/pace.ts";
import { isFailure, type RedisConnection } from "./connection.ts";
import type { NextWait } from "./scan-rows.ts";
import { runOne } from "./scripts.ts";

/** Keys that one step of the walk looks at: a few tenths of a millisecond of Redis's one thread. */
const PAGE_KEYS = 1_000;

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
      for (const key of keys) {
        const name = groupOf(key);
        if (name === undefined) continue;
        const group = groups.get(name) ?? { count: 0, keys: [] };
        groups.set(name, group);
        take(group, { key, primary }, limit);
      }
      limit = boundAll(groups, limit);
      await pace.rest();
    }
  }
  for (const { keys } of groups.values()) shuffle(keys);
  return groups;
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
    const [next, found] = Array.isArray(reply) ? reply : [];
    yield (Array.isArray(found) ? found : []).filter((key) => Buffer.isBuffer(key));
    cursor = String(next ?? "0");
  } while (cursor !== "0");
}

function take(group: Group, { key, primary }: SampledKey, limit: number): void {
  group.count++;
  const at = group.keys.length < limit ? group.keys.length : Math.floor(Math.random() * group.count);
  // A copy: the reply's key would keep alive all that the socket brought with it.
  if (at < limit) group.keys[at] = { key: Buffer.from(key), primary };
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
