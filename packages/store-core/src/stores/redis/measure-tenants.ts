import type { RowUsage } from "../../row-store.ts";
import type { Pace } from "../../upkeep/pace.ts";
import { isFailure, type RedisConnection } from "./connection.ts";
import { pageKeys } from "./page-rows.ts";
import { rowKeyParts } from "./redis-keys.ts";
import type { NextWait } from "./scan-rows.ts";

/** Keys that one step of the walk looks at: a few tenths of a millisecond of Redis's one thread. */
const PAGE_KEYS = 1_000;

/** Most entities of one tenant, and of all, whose size is asked for. */
const SAMPLE_OF_TENANT = 4_000;
const SAMPLE_OF_ALL = 100_000;

/** Sizes asked for in one step, and how many of a tenant there are at least before the error is judged. */
const SIZES_OF_STEP = 200;
const FEWEST_SIZES = 400;

/** The error that is good enough: three standard errors of the mean. */
const GOOD_ERROR = 0.03;

/** An entity whose size may be asked for, and where. */
interface Candidate {
  readonly key: string;
  readonly primary: RedisConnection;
}

/** What was seen of one tenant: how many entities, and an even sample of them (reservoir sampling, Vitter's algorithm R). */
interface Seen {
  count: number;
  readonly sample: Candidate[];
}

/**
 * What the rows of each tenant take: all entities are counted, and the mean of their MEMORY USAGE (key, hash and its entry in the keyspace, without
 * the 40 bytes or so of an expiry) is taken over a sample that grows until its error is small.
 * @throws STORE_MISCONFIGURED where the user may not ask for sizes
 */
export async function measureTenants(
  connection: RedisConnection,
  project: string,
  pace: Pace,
  nextWait: NextWait,
): Promise<ReadonlyMap<string, RowUsage>> {
  const seen = await countTenants(connection, project, pace, nextWait);
  const usage = new Map<string, RowUsage>();
  for (const [tenant, each] of seen) usage.set(tenant, await estimate(each, pace, nextWait));
  return usage;
}

async function countTenants(
  connection: RedisConnection,
  project: string,
  pace: Pace,
  nextWait: NextWait,
): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map<string, Seen>();
  let most = SAMPLE_OF_TENANT;
  let sampled = 0;
  let cursor: string | undefined;
  do {
    const page = await pageKeys(connection, { project }, cursor, PAGE_KEYS, nextWait());
    for (const key of page.keys) {
      const tenant = rowKeyParts(project, key)?.tenant;
      if (tenant === undefined) continue;
      const each = seen.get(tenant) ?? { count: 0, sample: [] };
      seen.set(tenant, each);
      each.count++;
      const candidate = { key, primary: page.primary };
      if (each.sample.length < most) {
        each.sample.push(candidate);
        sampled++;
      } else {
        const at = Math.floor(Math.random() * each.count);
        if (at < most) each.sample[at] = candidate;
      }
      if (sampled <= SAMPLE_OF_ALL) continue;
      // So many tenants that each gets a smaller sample.
      most = Math.ceil(most / 2);
      sampled = 0;
      for (const { sample } of seen.values()) {
        shuffle(sample);
        sample.length = Math.min(sample.length, most);
        sampled += sample.length;
      }
    }
    cursor = page.next;
    await pace.rest();
  } while (cursor !== undefined);
  return seen;
}

async function estimate({ count, sample }: Seen, pace: Pace, nextWait: NextWait): Promise<RowUsage> {
  shuffle(sample);
  let [asked, sum, squares, error] = [0, 0, 0, 1];
  while (asked < sample.length && (asked < FEWEST_SIZES || error > GOOD_ERROR)) {
    for (const size of await sizesOf(sample.slice(asked, asked + SIZES_OF_STEP), nextWait)) {
      sum += size;
      squares += size * size;
      asked++;
    }
    error = asked === count ? 0 : relativeError(asked, count, sum, squares);
    await pace.rest();
  }
  return { bytes: asked === 0 ? 0 : Math.round((sum / asked) * count), count, error };
}

/** Three standard errors of the mean of a sample without replacement, relative to the mean. */
function relativeError(asked: number, count: number, sum: number, squares: number): number {
  const mean = sum / asked;
  if (asked < 2 || mean === 0) return 1;
  const variance = Math.max(0, squares - asked * mean * mean) / (asked - 1);
  return (3 * Math.sqrt((variance / asked) * Math.max(0, 1 - asked / count))) / mean;
}

/** Bytes of some entities; 0 for one that is gone or that moved to another node meanwhile. */
async function sizesOf(candidates: readonly Candidate[], nextWait: NextWait): Promise<readonly number[]> {
  const sizes: number[] = [];
  for (const [primary, keys] of Map.groupBy(candidates, (each) => each.primary)) {
    const replies = await primary.exchange(
      keys.map(({ key }) => ["MEMORY", ["USAGE", key, "SAMPLES", "0"]]),
      nextWait(),
    );
    for (const reply of replies) {
      if (isFailure(reply) && reply.code !== "MOVED" && reply.code !== "ASK") throw reply.error;
      sizes.push(typeof reply === "number" ? reply : 0);
    }
  }
  return sizes;
}

/** Fisher and Yates. */
function shuffle<T>(items: T[]): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
}
