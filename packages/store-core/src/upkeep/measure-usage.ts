import type { Clock, Definitions } from "@larder/schema";
import type { Call } from "../call.ts";
import type { RowStore } from "../row-store.ts";
import { evictOldest } from "./evict-oldest.ts";
import type { Pace } from "./pace.ts";
import { type MeasuredTenant, readRecord, type UsageRecord, writeRecord } from "./usage-record.ts";

/** What measuring works with. */
export interface MeasureParts {
  readonly definitions: Definitions;
  readonly rowStore: RowStore;
  readonly clock: Clock;
  readonly pace: Pace;
}

/** A claim holds this long at most: a process that dies while it measures holds the others up no longer. Microseconds. */
const CLAIM = 60_000_000;

/** A tenant is evicted down to this share of its limit, so that eviction is not for ever. */
const LOW_WATER = 0.9;

/** Most rounds of evicting and measuring again for one call; what is left goes with the next. */
const MAX_ROUNDS = 8;

/**
 * Measures what every tenant of the project takes, evicts where a tenant is over its limit and wants that, and publishes the figures. Answers what is
 * published at the end; nothing is done where another process is at it, or has just been: figures from `freshFrom` on will do.
 */
export async function measureUsage(parts: MeasureParts, freshFrom: number, call: Call): Promise<UsageRecord> {
  const { definitions, rowStore, clock } = parts;
  const { project } = definitions;
  const { record, revision } = await readRecord(rowStore, project, call);
  const now = clock.now();
  if (record.measuredAt >= freshFrom || record.claimedUntil > now) return record;
  const claim = { ...record, claimedUntil: now + CLAIM };
  const claimed = await writeRecord(rowStore, project, claim, revision, call);
  if (claimed === undefined) return record;
  try {
    const measured = await measureAndEvict(parts, call);
    return await publish(parts, measured, claimed, call);
  } catch (error) {
    // The claim would keep the others waiting; where even that fails it ends by itself.
    await writeRecord(rowStore, project, record, claimed, call).catch(() => {});
    throw error;
  }
}

/** Of two that measured at the same time, since one outlived its claim, the later figures stay. */
async function publish(
  { definitions, rowStore }: MeasureParts,
  measured: UsageRecord,
  claimed: string,
  call: Call,
): Promise<UsageRecord> {
  let revision: string | undefined = claimed;
  for (;;) {
    if ((await writeRecord(rowStore, definitions.project, measured, revision, call)) !== undefined) return measured;
    const other = await readRecord(rowStore, definitions.project, call);
    if (other.record.measuredAt >= measured.measuredAt) return other.record;
    revision = other.revision;
  }
}

async function measureAndEvict(parts: MeasureParts, call: Call): Promise<UsageRecord> {
  const { definitions, rowStore, pace, clock } = parts;
  const exhausted = new Set<string>();
  for (let round = 0; ; round++) {
    const measuredAt = clock.now();
    const usage = await rowStore.measure(definitions.project, pace, call);
    const over = [...definitions.tenants.values()].filter(({ name, maxBytes, onFull }) => {
      const bytes = usage.get(name)?.bytes ?? 0;
      // Once it has begun it goes down to the low water.
      const limit = (maxBytes ?? Number.POSITIVE_INFINITY) * (round === 0 ? 1 : LOW_WATER);
      return onFull === "evict_long_tail" && !exhausted.has(name) && bytes > limit;
    });
    if (over.length === 0 || round === MAX_ROUNDS) {
      const tenants = new Map<string, MeasuredTenant>();
      for (const [name, each] of usage) {
        const { maxBytes = Number.POSITIVE_INFINITY } = definitions.tenants.get(name) ?? {};
        tenants.set(name, { ...each, exhausted: exhausted.has(name) && each.bytes > maxBytes });
      }
      return { measuredAt, claimedUntil: 0, tenants };
    }
    for (const { name, maxBytes = 0 } of over) {
      const excess = (usage.get(name)?.bytes ?? 0) - maxBytes * LOW_WATER;
      if ((await evictOldest(parts, name, excess, { ...call, tenant: name })) === 0) exhausted.add(name);
    }
  }
}
