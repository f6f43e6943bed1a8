import type { Int64Mode, OnlineFeatures, TimeInput } from "@larder/contract/typed";
import {
  type Clock,
  type DecodedRow,
  type Definitions,
  type FeatureRow,
  type FeatureView,
  findTenant,
  formatTime,
  type KeyValue,
  LarderError,
} from "@larder/schema";
import { decodeEntityKey, type EntityKeys, encodeEntityRows, openOnlineStore, type ReadPlan } from "@larder/store-core";
import type { SourceRecord } from "@larder/training-features";
import { createOnlineFeatures, type EntityRow } from "./online-features.ts";
import { type FeatureSelection, ReadPlans } from "./read-plans.ts";
import { zonedMicrosOf } from "./time-input.ts";

/** A read of what the online store would have said. */
export interface FeaturesAsOfRequest extends FeatureSelection {
  /** One object per entity: join key -> value. Other members are ignored. At most 10,000. */
  readonly entityRows: readonly EntityRow[];
  /** Not after now. Text states its zone, as in 2026-01-31T12:00:00Z. */
  readonly at: TimeInput;
  /** Hand out values that were past their TTL, with status OUTSIDE_MAX_AGE. Default false. */
  readonly allowStale?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Who asks, of what. */
export interface FeaturesAsOfParts {
  readonly definitions: Definitions;
  readonly tenant: string;
  readonly int64: Int64Mode;
  readonly clock: Clock;
}

/** More are a training set. */
const MAX_ROWS = 10_000;

/**
 * Answers from the offline store what a read of the online store would have answered right after everything known at a time was materialized. The
 * entities' rows of then are written to a store in memory whose clock stands at that time, and are read from it: TTL, tombstones and statuses are
 * what they are online. The online store itself is not asked.
 * @throws INVALID_REQUEST for a time without zone, one ahead of now, or one before every row of the views asked for; INVALID_ROWS for a row that no
 * online store would have taken; SOURCE_NOT_FOUND for a view without source; what `readRowsAsOf` and {@link ReadPlans} throw
 */
export async function readFeaturesAsOf(
  parts: FeaturesAsOfParts,
  request: FeaturesAsOfRequest,
): Promise<OnlineFeatures<Record<string, unknown>, object>> {
  const { definitions, tenant, clock, int64 } = parts;
  const { entityRows, allowStale = false, signal } = request;
  findTenant(definitions, tenant);
  const at = pastTime(request.at, clock);
  const plan = new ReadPlans(definitions).get(request);
  refuseTooMany(entityRows.length);
  const keys = encodeEntityRows(plan, entityRows);
  const call = { tenant, ...(signal === undefined ? {} : { signal }) };
  await using store = await openOnlineStore(inMemory(definitions), { clock: { now: () => at } });
  for (const [view, rows] of await rowsOfThen(parts, { plan, keys, at, signal })) await store.write(view, rows, call);
  return createOnlineFeatures(await store.read(plan, keys, call, { allowStale }), entityRows, int64);
}

interface RowsOfThen {
  readonly plan: ReadPlan;
  readonly keys: EntityKeys;
  readonly at: number;
  readonly signal: AbortSignal | undefined;
}

/** The asked entities' rows, view by view. */
async function rowsOfThen(
  { definitions, tenant }: FeaturesAsOfParts,
  { plan, keys, at, signal }: RowsOfThen,
): Promise<ReadonlyMap<FeatureView, readonly FeatureRow[]>> {
  const { decodeRecord } = await import("@larder/materializer");
  const { openDuckDb, readRowsAsOf } = await import("@larder/training-features");
  const decoded = (view: FeatureView, record: SourceRecord) =>
    accepted(view, decodeRecord(view, record, view.name, at));
  const found = new Map<FeatureView, readonly FeatureRow[]>();
  let first: bigint | undefined;
  let before = keys.rowCount > 0;
  await using engine = await openDuckDb();
  for (const [view, entityKeys] of entitiesByView(plan, keys)) {
    const life = definitions.onlineTtl(view, tenant);
    const from = life === undefined ? undefined : BigInt(at) - BigInt(life) - BigInt(view.keepStale);
    const then = await readRowsAsOf({ definitions, view, tenant, entityKeys, at: BigInt(at), from, engine, signal });
    found.set(
      view,
      then.rows.map((record) => decoded(view, record)),
    );
    before &&= then.first !== undefined && then.first > BigInt(at);
    if (then.first !== undefined && (first === undefined || then.first < first)) first = then.first;
  }
  if (before && first !== undefined) throw beforeAll(at, first);
  return found;
}

/** Each view's entity keys, once; a view that is asked for through several join key maps has those of all. */
function entitiesByView(plan: ReadPlan, keys: EntityKeys): ReadonlyMap<FeatureView, readonly (readonly KeyValue[])[]> {
  const texts = new Map<FeatureView, Set<string>>();
  for (const { view, group } of plan.views) {
    const known = texts.get(view) ?? new Set();
    for (const key of keys.groups[group] ?? []) known.add(key);
    texts.set(view, known);
  }
  return new Map(
    [...texts].map(([view, known]) => [view, [...known].map((key) => decodeEntityKey(view, key) as KeyValue[])]),
  );
}

function accepted(view: FeatureView, decoded: DecodedRow): FeatureRow {
  if (decoded.ok) return decoded.row;
  const [problem] = decoded.problems;
  throw new LarderError("INVALID_ROWS", {
    what: `No online store would have taken the row of view "${view.name}": ${problem?.field} ${problem?.what}`,
    remedy: `${problem?.remedy ?? "Correct the source"}; what it had before that row cannot be told`,
    facts: { view: view.name },
    problems: decoded.problems,
  });
}

/** The definitions over a store that holds this one answer: any tenant's rows, whatever its quota. */
function inMemory(definitions: Definitions): Definitions {
  const { readDeadlineMs, writeDeadlineMs } = definitions.onlineStore;
  const tenants = [...definitions.tenants].map(([name, tenant]) => [name, { ...tenant, maxBytes: undefined }] as const);
  return {
    ...definitions,
    onlineStore: { type: "memory", readDeadlineMs, writeDeadlineMs },
    tenants: new Map(tenants),
  };
}

function pastTime(time: TimeInput, clock: Clock): number {
  const at = zonedMicrosOf("as_of", time);
  const now = clock.now();
  if (at <= now) return at;
  throw new LarderError("INVALID_REQUEST", {
    what: `${formatTime(at)} is ahead of the clock, which stands at ${formatTime(now)}`,
    remedy: "Give a time that has been",
    facts: { field: "as_of" },
  });
}

function refuseTooMany(rows: number): void {
  if (rows <= MAX_ROWS) return;
  throw new LarderError("INVALID_REQUEST", {
    what: `${rows} entity rows are more than ${MAX_ROWS}`,
    remedy: "Build a training set: it takes any number of them, each with its own time",
    facts: { field: "entity_rows" },
  });
}

function beforeAll(at: number, first: bigint): LarderError {
  const time = Number(first);
  return new LarderError("INVALID_REQUEST", {
    what: `${formatTime(at)} is before every row of the views asked for`,
    remedy: Number.isSafeInteger(time) ? `Give a time from ${formatTime(time)} on` : "Give a later time",
    facts: { field: "as_of" },
  });
}
