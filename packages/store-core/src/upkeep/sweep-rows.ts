import type { Clock, Definitions, FeatureView } from "@larder/schema";
import type { Call } from "../call.ts";
import { isRow, readHeader, rowBytes } from "../row/row-reader.ts";
import type { PagedRow, PageScope, RowStore } from "../row-store.ts";
import type { Pace } from "./pace.ts";
import { removeEach } from "./remove-each.ts";
import { readSweepPlace, type SweepPlace, writeSweepPlace } from "./sweep-place.ts";
import { openTombstoneAges, type TombstoneAges } from "./tombstone-ages.ts";

/** What a sweep works with. */
export interface SweepParts {
  readonly definitions: Definitions;
  readonly rowStore: RowStore;
  readonly clock: Clock;
  readonly pace: Pace;
}

/** What to sweep, and until when. */
export interface SweepRequest {
  /** Default: every tenant. */
  readonly tenant?: string | undefined;
  /** Default: every view. */
  readonly view?: string | undefined;
  /** Point on the `performance.now()` line at which it stops, to be gone on with by the next. */
  readonly until: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a sweep found and did. */
export interface SweepReport {
  readonly scanned: number;
  readonly removed: number;
  /** Bytes of the removed rows; a hash that lost its last row gives back more. */
  readonly bytes: number;
  /** Rows left alone: their view or tenant is not defined here, or their bytes cannot be read. */
  readonly unknown: number;
  readonly unreadable: number;
  /** Tombstones of views without TTL whose retention is not over. */
  readonly waiting: number;
  /** Whether it went on where an earlier one had stopped. */
  readonly resumed: boolean;
  /** Whether it came to the end of the store. */
  readonly complete: boolean;
}

/** A place is kept at least this often, so that a killed sweep repeats little. Milliseconds. */
const KEEP_EVERY_MS = 2_000;

/**
 * Removes rows that are dead under today's definitions: past event time + online TTL + keep_stale; tombstones of views without TTL, once their
 * retention is over. Goes by pages, rests between them, stops at `until`, and keeps its place in the store's meta. A row goes only if it is still the
 * one that was judged: dead rows stay dead, so whatever is written meanwhile stays. Rows of unknown views and tenants are not judged.
 * @throws ABORTED, and what the store throws
 */
export async function sweepRows(parts: SweepParts, request: SweepRequest): Promise<SweepReport> {
  const { definitions, rowStore, clock, pace } = parts;
  const { tenant, view, signal } = request;
  const scope: PageScope = { project: definitions.project, tenant, view };
  const call: Call = { tenant: tenant ?? "default", ...(signal === undefined ? {} : { signal }) };
  const from = await readSweepPlace(rowStore, scope, call);
  const started = from?.started ?? clock.now();
  let cursor = from?.cursor;
  const counts = { scanned: 0, removed: 0, bytes: 0, unknown: 0, unreadable: 0, waiting: 0 };
  const resumed = from !== undefined;
  const ages = openTombstoneAges({ rowStore, project: definitions.project, now: clock.now() });
  let kept = performance.now();
  const keep = async (place: SweepPlace | undefined) => {
    await ages.save(call);
    await writeSweepPlace(rowStore, scope, place, call);
    kept = performance.now();
  };
  for (;;) {
    const page = await rowStore.page(scope, cursor, call);
    const dead: PagedRow[] = [];
    for (const row of page.rows) {
      counts.scanned++;
      const verdict = await judge(definitions, row, clock.now(), ages, call);
      if (verdict === "dead") dead.push(row);
      else if (verdict !== "alive") counts[verdict]++;
    }
    const gone = await removeEach(rowStore, definitions.project, dead, call);
    counts.removed += gone.removed;
    counts.bytes += gone.bytes;
    if (page.next === undefined) {
      ages.endWalk(started);
      await keep(undefined);
      return { ...counts, resumed, complete: true };
    }
    cursor = page.next;
    const late = performance.now() >= request.until;
    if (late || performance.now() - kept >= KEEP_EVERY_MS) await keep({ started, cursor });
    if (late) return { ...counts, resumed, complete: false };
    await pace.rest();
  }
}

type Verdict = "alive" | "dead" | "unknown" | "unreadable" | "waiting";

async function judge(
  definitions: Definitions,
  row: PagedRow,
  now: number,
  ages: TombstoneAges,
  call: Call,
): Promise<Verdict> {
  const view = definitions.views.get(row.view);
  if (view === undefined || !definitions.tenants.has(row.tenant)) return "unknown";
  const bytes = rowBytes(row.bytes);
  if (!isRow(bytes.view, 0, row.bytes.byteLength)) return "unreadable";
  const { eventTime, tombstone } = readHeader(bytes.view, 0);
  const life = lifeOf(definitions, view, row.tenant);
  if (life !== undefined) return now > eventTime + life ? "dead" : "alive";
  if (!tombstone) return "alive";
  return (await ages.seenFor(row, call)) > view.tombstoneRetention ? "dead" : "waiting";
}

/** How long a row lives after its event time; undefined = for ever. */
function lifeOf(definitions: Definitions, view: FeatureView, tenant: string): number | undefined {
  const ttl = definitions.onlineTtl(view, tenant);
  return ttl === undefined ? undefined : ttl + view.keepStale;
}
