import { type MaterializePosition, readPosition } from "@larder/materializer";
import {
  type Clock,
  type Definitions,
  type FeatureView,
  findTenant,
  findView,
  formatDuration,
  isLarderError,
} from "@larder/schema";
import { type OnlineStore, readWatermark, type Watermark } from "@larder/store-core";
import { ageText } from "./age-text.ts";

/** Whose state to look at. */
export interface StatusRequest {
  /** Default: every tenant. */
  readonly tenant?: string | undefined;
  /** Default: every view. */
  readonly view?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One view of one tenant in the online store. Times and ages are microseconds. */
export interface ViewStatus {
  readonly view: string;
  readonly tenant: string;
  /** How far it is materialized; undefined when it never was. */
  readonly position: MaterializePosition | undefined;
  /** Rows looked at, deletions and unreadable ones among them. */
  readonly rows: number;
  readonly deletions: number;
  readonly unreadable: number;
  /** False when there are more rows than were looked at: counts are then "at least", times those of a sample. */
  readonly complete: boolean;
  readonly oldest: number | undefined;
  /** Where not all rows were looked at, it is the watermark's if that is newer. */
  readonly newest: number | undefined;
  /** What writes have announced; undefined where none has, or the store sends no signals. */
  readonly watermark: Watermark | undefined;
  /** now - newest. */
  readonly age: number | undefined;
  /** The view's objective, if it states one. */
  readonly freshness: number | undefined;
  /** The age against the objective. */
  readonly state: "fresh" | "late" | "empty" | "no_objective";
}

/** Sentences on views that miss their objective. */
export function freshnessWarnings(statuses: readonly ViewStatus[]): readonly string[] {
  return statuses.flatMap(({ view, tenant, state, age, freshness, complete }) => {
    if (state !== "late" || age === undefined || freshness === undefined) return [];
    const newest = complete ? "its newest row" : "the newest of the rows looked at";
    return [
      `Feature view "${view}" of tenant "${tenant}" is late: ${newest} is ${ageText(age)} old, and its freshness is ${formatDuration(freshness)}`,
    ];
  });
}

/** Rows looked at per view and tenant. */
const MAX_STATUS_ROWS = 10_000;

/** Time to look at the rows of one view and tenant: a store may have to search through those of others. Milliseconds. */
const SCAN_MS = 5_000;
const META_MS = 10_000;

/**
 * The state of every view of every tenant, by a bounded look at the store: at most 10,000 rows and 5 s for each.
 * @throws UNKNOWN_TENANT, UNKNOWN_VIEW, STORE_CORRUPT, and what reading the store throws
 */
export async function viewStatuses(
  parts: { readonly definitions: Definitions; readonly store: OnlineStore; readonly clock: Clock },
  request: StatusRequest = {},
): Promise<readonly ViewStatus[]> {
  const { definitions } = parts;
  const tenants =
    request.tenant === undefined ? [...definitions.tenants.values()] : [findTenant(definitions, request.tenant)];
  const views = request.view === undefined ? [...definitions.views.values()] : [findView(definitions, request.view)];
  const statuses: ViewStatus[] = [];
  for (const view of views) {
    for (const { name } of tenants) statuses.push(await viewStatus(parts, view, name, request.signal));
  }
  return statuses;
}

async function viewStatus(
  { definitions, store, clock }: Parameters<typeof viewStatuses>[0],
  view: FeatureView,
  tenant: string,
  signal: AbortSignal | undefined,
): Promise<ViewStatus> {
  const call = (ms: number) => ({
    tenant,
    deadline: performance.now() + ms,
    ...(signal === undefined ? {} : { signal }),
  });
  const scope = { project: definitions.project, tenant, view: view.name };
  const position = await readPosition(store, scope, call(META_MS));
  const seen = await lookAtRows(store, { tenant, view: view.name }, call(SCAN_MS));
  const watermark = await readWatermark(store, scope, call(META_MS));
  const newest = seen.complete ? seen.newest : latest(seen.newest, watermark?.eventTime);
  const age = newest === undefined ? undefined : clock.now() - newest;
  const state = stateOf(view, age);
  return { view: view.name, tenant, position, ...seen, newest, watermark, age, freshness: view.freshness, state };
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function stateOf({ freshness }: FeatureView, age: number | undefined): ViewStatus["state"] {
  if (age === undefined) return "empty";
  if (freshness === undefined) return "no_objective";
  return age <= freshness ? "fresh" : "late";
}

async function lookAtRows(
  store: OnlineStore,
  scope: Parameters<OnlineStore["scan"]>[0],
  call: Parameters<OnlineStore["scan"]>[1],
) {
  let [rows, deletions, unreadable, complete] = [0, 0, 0, true];
  let oldest: number | undefined;
  let newest: number | undefined;
  try {
    for await (const { row } of store.scan(scope, call)) {
      if (rows === MAX_STATUS_ROWS) {
        complete = false;
        break;
      }
      rows++;
      if (row === undefined) {
        unreadable++;
        continue;
      }
      if (row.values === undefined) deletions++;
      oldest = Math.min(oldest ?? row.eventTime, row.eventTime);
      newest = Math.max(newest ?? row.eventTime, row.eventTime);
    }
  } catch (error) {
    // The end of the look, not of the store, which has just answered.
    if (!isLarderError(error, "STORE_TIMEOUT")) throw error;
    complete = false;
  }
  return { rows, deletions, unreadable, complete, oldest, newest };
}
