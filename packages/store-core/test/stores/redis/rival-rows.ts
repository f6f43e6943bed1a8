import { seededRandom } from "@larder/testkit";
import type { StoredRow } from "../../../src/row-store.ts";
import { NOW, row } from "./harness.ts";

/**
 * Distinct rows that compete for few keys: times within a second of each other, at byte boundaries and equal, with ties that created time,
 * tombstone or bytes decide. Times that lie close together are what a comparison by locale gets wrong.
 */
export function rivalRows(seed: number): StoredRow[] {
  const random = seededRandom(seed);
  const rows = new Map<string, StoredRow>();
  while (rows.size < 2_000) {
    const eventTime = random.pick([
      NOW + random.integer(0, 1_000_000),
      NOW + 256 * random.integer(0, 20) + random.pick([-1, 0, 1]),
      NOW,
    ]);
    const createdTime = random.pick([undefined, eventTime + random.integer(0, 300)]);
    const next = row({
      entityKey: `${random.integer(0, 99)}`,
      eventTime,
      ...(createdTime === undefined ? {} : { createdTime }),
      tombstone: random.next() < 0.1,
      values: random.pick(["", "a", "B", "b", "\x00", "\xff", "a\xe9", "aé"]),
      expiresAt: eventTime + random.integer(1, 1_000_000_000),
    });
    rows.set(`${next.entityKey} ${Buffer.from(next.bytes).toString("hex")}`, next);
  }
  return [...rows.values()];
}

/** The row of each key that must be left. */
export function winners(rows: readonly StoredRow[]): ReadonlyMap<string, StoredRow> {
  const greatest = new Map<string, StoredRow>();
  for (const each of rows) {
    const best = greatest.get(each.entityKey);
    if (best === undefined || Buffer.compare(each.bytes, best.bytes) > 0) greatest.set(each.entityKey, each);
  }
  return greatest;
}
