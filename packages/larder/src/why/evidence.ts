import { type MaterializePosition, readPosition } from "@larder/materializer";
import type { Clock, Definitions, Feature, FeatureRow, FeatureView, KeyValue } from "@larder/schema";
import {
  type Call,
  createReadPlan,
  decodeEntityKey,
  encodeEntityRows,
  type OnlineStore,
  readErased,
  readUsage,
  type ScanFault,
  STATUS_NAMES,
  type StatusName,
  type TenantUsage,
} from "@larder/store-core";
import { readSource, type SourceEvidence } from "./source-evidence.ts";
import { orUnavailable, type Unavailable } from "./unavailable.ts";

/** What an explanation works with. */
export interface WhyParts {
  readonly definitions: Definitions;
  readonly store: OnlineStore;
  readonly clock: Clock;
}

/** What is known of one entity in one view. Times and durations are microseconds. */
export interface Evidence {
  readonly now: number;
  /** The view's features that the look is about. */
  readonly features: readonly Feature[];
  /** What a read answers, by feature. */
  readonly statuses: ReadonlyMap<string, StatusName>;
  readonly stored: StoredEvidence;
  readonly life: RowLife;
  /** How far the view is materialized. */
  readonly position: PositionEvidence;
  readonly source: SourceEvidence;
  /** Whether the entity was erased. */
  readonly erasure: ErasureEvidence;
  /** What the tenant takes of its byte quota. */
  readonly quota: QuotaEvidence;
  /** Other declared tenants under which the view has a row of the same entity; looked for where this tenant has none in store and source. */
  readonly otherTenants: readonly OtherTenant[];
  /** Declared tenants that were too many to be looked at. */
  readonly tenantsNotLookedAt: number;
  /** Whether the store tells rows of one event time apart by their created time. */
  readonly createdTime: boolean;
}

/** The row in the online store. */
export type StoredEvidence =
  | { readonly kind: "none" }
  | {
      readonly kind: "row";
      readonly row: FeatureRow;
      /** Names of features that the row has under another type, and of those it was written without knowing. */
      readonly retyped: readonly string[];
      readonly lacking: readonly string[];
    }
  | { readonly kind: "unreadable"; readonly fault: ScanFault };

/** How long a row counts, and how long it is kept. */
export interface RowLife {
  /** undefined: no limit. */
  readonly ttl: number | undefined;
  /** The key of the yaml that says so. */
  readonly ttlKey: string;
  readonly keepStale: number;
  readonly maxFuture: number;
}

/** How far the view is materialized, if that can be read. */
export type PositionEvidence =
  | { readonly kind: "position"; readonly position: MaterializePosition }
  | { readonly kind: "never" }
  | Unavailable;

/** When the entity was erased last; rows with an event time up to `at` (microseconds) are kept away. */
export type ErasureEvidence =
  | { readonly kind: "none" }
  | { readonly kind: "erased"; readonly at: number }
  | Unavailable;

/** What the tenant takes of its byte quota, as measured last; `none`: it has no quota, or nothing was measured. */
export type QuotaEvidence =
  | { readonly kind: "none" }
  | { readonly kind: "usage"; readonly usage: TenantUsage }
  | Unavailable;

/** A row of the same entity under another tenant. */
export interface OtherTenant {
  readonly tenant: string;
  /** undefined where the row cannot be read. */
  readonly eventTime: number | undefined;
}

/** What to look at. */
export interface EvidenceRequest {
  readonly view: FeatureView;
  readonly features: readonly Feature[];
  readonly entity: Readonly<Record<string, unknown>>;
  readonly tenant: string;
  readonly signal: AbortSignal | undefined;
}

/** One entity is looked at, which takes the store no longer than a read; a person waits. Milliseconds. */
const STORE_MS = 10_000;

/** Other tenants looked at: one look is one round trip. */
const MAX_TENANTS = 100;

/** Looks at the store, the positions and the source. The parts are looked at one after the other: what is written meanwhile shows in the later ones only. */
export async function gatherEvidence(parts: WhyParts, request: EvidenceRequest): Promise<Evidence> {
  const { definitions, store, clock } = parts;
  const { view, features, entity, tenant, signal } = request;
  const call = callsOf(tenant, signal);
  const refs = features.map((feature) => ({ view, feature, viewName: view.name, joinKeyMap: new Map() }));
  const plan = createReadPlan(definitions, refs, { fullFeatureNames: true });
  const keys = encodeEntityRows(plan, [entity]);
  const key = keys.groups[0]?.[0] ?? "";
  const now = clock.now();
  const batch = await store.read(plan, keys, call());
  const statuses = new Map(features.map(({ name }, column) => [name, STATUS_NAMES[batch.status(0, column)]]));
  const stored = await readStored(store, view, key, call());
  const scope = { project: definitions.project, tenant, view: view.name };
  const position = await orUnavailable(signal, async (): Promise<PositionEvidence> => {
    const found = await readPosition(store, scope, call());
    return found === undefined ? { kind: "never" } : { kind: "position", position: found };
  });
  const entityKey = decodeEntityKey(view, key) as KeyValue[];
  const source = await readSource({ definitions, view, tenant, entityKey, now, signal });
  const erasure = await orUnavailable(signal, async (): Promise<ErasureEvidence> => {
    const at = (await readErased(store, { project: definitions.project, tenant }, call())).erasedAt(view, key);
    return at === undefined ? { kind: "none" } : { kind: "erased", at };
  });
  const quota = await orUnavailable(signal, async (): Promise<QuotaEvidence> => {
    const usage = (await readUsage(store, definitions, call())).find((each) => each.tenant === tenant);
    return usage?.maxBytes === undefined ? { kind: "none" } : { kind: "usage", usage };
  });
  const nowhere = stored.kind === "none" && !(source.kind === "rows" && source.rows.length > 0);
  const others =
    nowhere && store.capabilities.tenants ? [...definitions.tenants.keys()].filter((name) => name !== tenant) : [];
  return {
    now,
    features,
    statuses,
    stored,
    life: lifeOf(parts, view, tenant),
    position,
    source,
    erasure,
    quota,
    otherTenants: await rowsElsewhere(store, view, key, others.slice(0, MAX_TENANTS), signal),
    tenantsNotLookedAt: Math.max(0, others.length - MAX_TENANTS),
    createdTime: store.capabilities.createdTime,
  };
}

async function readStored(
  store: OnlineStore,
  view: FeatureView,
  entityKey: string,
  call: Call,
): Promise<StoredEvidence> {
  for await (const found of store.scan({ tenant: call.tenant, view: view.name, entityKey }, call)) {
    const { row, fault = "broken", retyped = [], lacking = [] } = found;
    return row === undefined ? { kind: "unreadable", fault } : { kind: "row", row, retyped, lacking };
  }
  return { kind: "none" };
}

function lifeOf({ definitions }: WhyParts, view: FeatureView, tenant: string): RowLife {
  const own = definitions.tenants.get(tenant)?.ttl.has(view.name) === true;
  return {
    ttl: definitions.onlineTtl(view, tenant),
    ttlKey: own ? `tenants.${tenant}.ttl.${view.name}` : `online_ttl of ${view.name}`,
    keepStale: view.keepStale,
    maxFuture: view.maxFuture,
  };
}

async function rowsElsewhere(
  store: OnlineStore,
  view: FeatureView,
  entityKey: string,
  tenants: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly OtherTenant[]> {
  const found: OtherTenant[] = [];
  for (const name of tenants) {
    const stored = await readStored(store, view, entityKey, callsOf(name, signal)());
    if (stored.kind === "none") continue;
    found.push({ tenant: name, eventTime: stored.kind === "row" ? stored.row.eventTime : undefined });
  }
  return found;
}

function callsOf(tenant: string, signal: AbortSignal | undefined): () => Call {
  return () => ({
    tenant,
    deadline: performance.now() + STORE_MS,
    ...(signal === undefined ? {} : { signal }),
  });
}
