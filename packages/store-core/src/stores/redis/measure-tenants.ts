import type { RowUsage } from "../../row-store.ts";
import type { Pace } from "../../upkeep/pace.ts";
import type { RedisConnection } from "./connection.ts";
import { projectPrefix, rowKeyParts } from "./redis-keys.ts";
import { type KeySample, sampleKeys, sizesOf } from "./sample-keys.ts";
import type { NextWait } from "./scan-rows.ts";

/** Most entities of one tenant whose size is asked for. */
const SAMPLE_OF_TENANT = 20_000;

/** Sizes asked for in one step, and how many of a tenant there are at least before the error is judged. */
const SIZES_OF_STEP = 200;
const FEWEST_SIZES = 400;

/** The error that is good enough: three standard errors of the mean. */
const GOOD_ERROR = 0.03;

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
  const options = {
    // Escaped segments hold no glob character, so the pattern is exact.
    pattern: `${projectPrefix(project)}*`,
    groupOf: (key: Buffer) => rowKeyParts(project, key.toString("latin1"))?.tenant,
    most: SAMPLE_OF_TENANT,
  };
  const samples = await sampleKeys(connection, options, pace, nextWait);
  const usage = new Map<string, RowUsage>();
  for (const [tenant, sample] of samples) usage.set(tenant, await estimate(sample, pace, nextWait));
  return usage;
}

async function estimate({ count, keys }: KeySample, pace: Pace, nextWait: NextWait): Promise<RowUsage> {
  let [asked, sum, squares, error] = [0, 0, 0, 1];
  while (asked < keys.length && (asked < FEWEST_SIZES || error > GOOD_ERROR)) {
    for (const size of await sizesOf(keys.slice(asked, asked + SIZES_OF_STEP), nextWait)) {
      sum += size;
      squares += size * size;
      asked++;
    }
    error = relativeError(asked, count, sum, squares);
    await pace.rest();
  }
  return { bytes: asked === 0 ? 0 : Math.round((sum / asked) * count), count, error };
}

/** Three standard errors of the mean of a sample without replacement, relative to the mean. */
export function relativeError(asked: number, count: number, sum: number, squares: number): number {
  if (asked === count) return 0;
  const mean = sum / asked;
  if (asked < 2 || mean === 0) return 1;
  const variance = Math.max(0, squares - asked * mean * mean) / (asked - 1);
  return (3 * Math.sqrt((variance / asked) * Math.max(0, 1 - asked / count))) / mean;
}
