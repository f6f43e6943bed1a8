import { type Definitions, type FeatureRow, type FeatureView, findService, parseDefinitions } from "@larder/schema";
import type { ReadOptions } from "../../src/online-store.ts";
import { createReadPlan } from "../../src/plan/create-read-plan.ts";
import { encodeEntityRows } from "../../src/plan/encode-entities.ts";
import { type FeatureBatch, STATUS_NAMES } from "../../src/plan/feature-batch.ts";
import type { EntityKeys, ReadPlan } from "../../src/plan/read-plan.ts";
import { fillerOf, type History, kindOf } from "./history.ts";

/** Deadlines of the stores under test, in milliseconds. */
export const READ_MS = 250;
export const WRITE_MS = 400;

/** How long a row of `fleeting` lives, in microseconds: reads meet rows before and after their end. */
const TTL = 300_000;

export const VIEWS = ["state", "fleeting"] as const;

/** Features of a view; their names are of one service, so each has its view's. */
const FEATURES = ["owner", "version", "filler"] as const;

/** One project in two views: `state` without an end, `fleeting` with a TTL of 0.3 s. `place` is yaml for online_store. */
export function faultDefinitions(place: string, tenants: readonly string[]): Definitions {
  const featuresOf = (view: string) =>
    FEATURES.map((name) => `{ name: ${view}_${name}, type: ${name === "version" ? "int64" : "string"} }`).join(", ");
  const text = `project: faults
online_store: { type: redis, ${place}, deadline: ${READ_MS}ms, write_deadline: ${WRITE_MS}ms, on_failure: stale }
entities: [{ name: customer, join_keys: [{ name: id, type: int64 }] }]
feature_views:
  - { name: state, entity: customer, features: [${featuresOf("state")}] }
  - { name: fleeting, entity: customer, online_ttl: 300ms, keep_stale: 1h, features: [${featuresOf("fleeting")}] }
feature_services: [{ name: all, features: [${VIEWS.flatMap((view) => FEATURES.map((name) => `"${view}:${view}_${name}"`)).join(", ")}] }]
tenants: { ${tenants.map((tenant) => `${JSON.stringify(tenant)}: {}`).join(", ")} }
`;
  return parseDefinitions(text, { file: "feature_store.yaml", env: {} });
}

/** The machine's time in microseconds, that never goes back: it orders a history. */
export const historyClock = { now: () => Math.floor((performance.timeOrigin + performance.now()) * 1000) };

/** Names a row in a history. */
export function ownerOf(tenant: string, view: string, id: number): string {
  return `${tenant}/${view}/${id}`;
}

/** The row of a version, the same whoever makes it. */
export function rowOf(tenant: string, view: FeatureView, id: number, version: number): FeatureRow {
  const owner = ownerOf(tenant, view.name, id);
  const kind = kindOf(version);
  const filler = kind === "nulls" ? null : fillerOf(owner, version);
  const values = kind === "tombstone" ? undefined : [owner, BigInt(version), filler];
  return { entityKey: [BigInt(id)], eventTime: version, createdTime: undefined, values };
}

/** A plan over all features of both views, and keys for it. */
export class Reading {
  readonly definitions: Definitions;
  readonly plan: ReadPlan;

  constructor(definitions: Definitions) {
    this.definitions = definitions;
    this.plan = createReadPlan(definitions, findService(definitions, "all").features, { fullFeatureNames: true });
  }

  keys(ids: readonly number[]): EntityKeys {
    return encodeEntityRows(
      this.plan,
      ids.map((id) => ({ id })),
    );
  }
}

/** One answered read. */
export interface Answer {
  readonly tenant: string;
  readonly ids: readonly number[];
  readonly options: ReadOptions;
  readonly batch: FeatureBatch;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Notes what a read answered, after a look at all that needs no other call to be judged: whose it is, whole, of the right status and source. */
export function noteAnswer(history: History, answer: Answer): void {
  const { tenant, ids, batch, options } = answer;
  const remembered = ids.some((_, row) => VIEWS.some((_v, view) => batch.source(row, view) !== "store"));
  if (batch.degraded !== remembered)
    history.broke(`degraded is ${batch.degraded}, and rows from memory: ${remembered}`);
  if (batch.degraded && options.onFailure === undefined) history.broke("an answer is degraded that must not be");
  for (const [row, id] of ids.entries()) {
    for (const [view, name] of VIEWS.entries()) {
      const owner = ownerOf(tenant, name, id);
      const wrong = wrongCell(answer, row, view, owner);
      const source = batch.source(row, view);
      if (wrong !== undefined) history.broke(`${owner} from ${source}: ${wrong}`);
      if (source !== "store" && source !== "last_known_good")
        history.broke(`${owner} from ${source}, which is not to be had here`);
      else {
        const cell = { owner, version: batch.eventTime(row, view), source, readAt: batch.readAt(row, view) };
        history.read({ ...cell, endedAt: answer.endedAt });
      }
    }
  }
}

function wrongCell(
  { batch, options, startedAt, endedAt }: Answer,
  row: number,
  view: number,
  owner: string,
): string | undefined {
  const version = batch.eventTime(row, view);
  const [ownerColumn, versionColumn, fillerColumn] = [0, 1, 2].map((at) => view * 3 + at) as [number, number, number];
  const statuses = [ownerColumn, versionColumn, fillerColumn].map((column) => STATUS_NAMES[batch.status(row, column)]);
  const values = [ownerColumn, versionColumn, fillerColumn].map((column) => batch.value(row, column));
  const text = `${version} ${statuses} ${values}`;
  const fresh = batch.source(row, view) === "store";
  const readAt = batch.readAt(row, view);
  // A remembered row may be of a read that began, and ended well, while this one was failing.
  if (readAt > endedAt || (fresh && readAt < startedAt)) {
    return `${text}: read at ${readAt}, asked from ${startedAt} to ${endedAt}`;
  }
  if (version === undefined) return new Set(statuses).size === 1 && statuses[0] === "NOT_FOUND" ? undefined : text;
  const kind = kindOf(version);
  if (kind === "tombstone") return `${text}: a tombstone is no row`;
  // Of the time at which the store judged it; of a remembered row that is some time during the call.
  const [earliest, latest] = fresh ? [readAt, readAt] : [startedAt, endedAt];
  const end = VIEWS[view] === "fleeting" ? version + TTL : Number.POSITIVE_INFINITY;
  const old = statuses[1] === "OUTSIDE_MAX_AGE";
  if (old ? latest <= end : earliest > end) return `${text}: its end is ${end}, judged from ${earliest} to ${latest}`;
  const shown = !old || options.allowStale === true;
  const filler = kind === "nulls" ? null : fillerOf(owner, version);
  const status = old ? "OUTSIDE_MAX_AGE" : "PRESENT";
  const wanted = [
    status,
    status,
    old || kind !== "nulls" ? status : "NULL_VALUE",
    ...(shown ? [owner, BigInt(version), filler] : [null, null, null]),
  ];
  return wanted.every((each, at) => Object.is(each, [...statuses, ...values][at]))
    ? undefined
    : `${text}, not ${wanted}`;
}
