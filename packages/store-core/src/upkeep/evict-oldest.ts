import type { Definitions } from "@larder/schema";
import type { Call } from "../call.ts";
import { isRow, readHeader, rowBytes } from "../row/row-reader.ts";
import type { PagedRow, RowStore } from "../row-store.ts";
import type { Pace } from "./pace.ts";
import { removeEach } from "./remove-each.ts";

/** Most rows of one round: what the walk holds in memory, twice. */
const MOST_ROWS = 20_000;

/**
 * What a removed row gives back at most, besides its bytes: its share of a hash, and the key when it was the last of it. A guess that is too high
 * evicts too little, which the next round makes good; too low would evict more than was needed.
 */
const OVERHEAD_BYTES = 200;

/**
 * Removes the rows of a tenant's long-tail views with the oldest event times, until about `bytes` are freed or a round is full; answers how many
 * went. Tombstones stay: without them deleted rows could come back. A row that is written again meanwhile stays, too.
 */
export async function evictOldest(
  {
    definitions,
    rowStore,
    pace,
  }: { readonly definitions: Definitions; readonly rowStore: RowStore; readonly pace: Pace },
  tenant: string,
  bytes: number,
  call: Call,
): Promise<number> {
  const { project } = definitions;
  let oldest: Aged[] = [];
  let cursor: string | undefined;
  do {
    const page = await rowStore.page({ project, tenant }, cursor, call);
    for (const row of page.rows) {
      const eventTime = definitions.views.get(row.view)?.longTail === true ? eventTimeOf(row) : undefined;
      if (eventTime !== undefined) oldest.push({ row, eventTime });
    }
    if (oldest.length >= 2 * MOST_ROWS) oldest = enough(oldest, bytes);
    cursor = page.next;
    await pace.rest();
  } while (cursor !== undefined);
  const victims = enough(oldest, bytes).map(({ row }) => row);
  let removed = 0;
  for (let at = 0; at < victims.length; at += STEP_ROWS) {
    removed += (await removeEach(rowStore, project, victims.slice(at, at + STEP_ROWS), call)).removed;
    await pace.rest();
  }
  return removed;
}

const STEP_ROWS = 500;

interface Aged {
  readonly row: PagedRow;
  readonly eventTime: number;
}

function eventTimeOf({ bytes }: PagedRow): number | undefined {
  const { view } = rowBytes(bytes);
  if (!isRow(view, 0, bytes.byteLength)) return undefined;
  const { eventTime, tombstone } = readHeader(view, 0);
  return tombstone ? undefined : eventTime;
}

/** The oldest rows, as many as free the bytes, and no more than one round takes. */
function enough(rows: readonly Aged[], bytes: number): Aged[] {
  const sorted = rows.toSorted((a, b) => a.eventTime - b.eventTime);
  let freed = 0;
  let count = 0;
  while (count < Math.min(sorted.length, MOST_ROWS) && freed < bytes) {
    freed += (sorted[count] as Aged).row.bytes.byteLength + OVERHEAD_BYTES;
    count++;
  }
  return sorted.slice(0, count);
}
