import { setTimeout as wait } from "node:timers/promises";
import { type Clock, type Definitions, findTenant, LarderError } from "@larder/schema";
import { aborted, type Call } from "../call.ts";
import type { OnlineStore } from "../online-store.ts";
import { putMarker } from "./erasure-record.ts";
import { type ErasureTarget, type ErasureTargets, findTargets } from "./erasure-targets.ts";
import { type ErasureSettings, erasureSettings } from "./erasure-watch.ts";

/** What an erasure works with. */
export interface EraseParts {
  readonly definitions: Definitions;
  /** From {@link openOnlineStore}. */
  readonly store: OnlineStore;
  readonly clock: Clock;
  /** Those that every process of the store was opened with. Default: as there. */
  readonly settings?: ErasureSettings | undefined;
}

/** Whom to erase. */
export interface EraseRequest {
  readonly tenant: string;
  /** Join key -> value: all join keys of one or more entities. */
  readonly entity: Readonly<Record<string, unknown>>;
  /** Without it nothing is changed and the call fails with CONFIRMATION_REQUIRED. */
  readonly confirmed: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EraseProgress) => void) | undefined;
}

/** How far it is: rows looked at in a view, or the wait for writers that have not heard of it yet, as a share of 1. */
export type EraseProgress =
  | { readonly phase: "search"; readonly view: string; readonly rows: number }
  | { readonly phase: "wait"; readonly fraction: number };

/** What was erased. */
export interface EraseReport {
  readonly project: string;
  readonly tenant: string;
  readonly joinKeys: readonly string[];
  /** Rows with an event time up to this (microseconds) are not written any more. */
  readonly erasedAt: number;
  /** The markers, in hex: hashes that only the store's own salt leads to. */
  readonly markers: readonly string[];
  readonly views: readonly ErasedView[];
}

/** One view. */
export interface ErasedView {
  readonly view: string;
  /** Rows removed. */
  readonly rows: number;
  /** `key`: the entity has one row at most; `search`: the view has further join keys, and all of its rows were looked at. */
  readonly found: "key" | "search";
}

/** An erasure goes through whole views: it gets longer than one call. Milliseconds. */
const ERASE_DEADLINE_MS = 600_000;

/** Searches that may still find something after every writer has heard of the erasure. */
const MAX_SEARCHES = 5;

/** Progress of the wait is told so often, in milliseconds. */
const WAIT_STEP_MS = 250;

/**
 * Erases an entity of one tenant from every view whose join keys are, or contain, the given ones, and keeps its rows from coming back: a row with an
 * event time up to the erasure is not written any more, a later one is a new life of the entity. Stopped anywhere it may be repeated.
 *
 * 1. A marker (a hash) goes into the store's meta. 2. The rows go. 3. It waits until no process can be writing that has not heard of the marker.
 * 4. The rows that came meanwhile go, until a search finds none. See docs/adr/0007-erasure.md.
 *
 * @throws CONFIRMATION_REQUIRED naming what it would remove; UNKNOWN_TENANT, INVALID_REQUEST; STORE_CONFLICT when somebody goes on writing the rows; ABORTED,
 *   STORE_TIMEOUT and what else the store throws
 */
export async function eraseEntity(parts: EraseParts, request: EraseRequest): Promise<EraseReport> {
  const { definitions, store, clock } = parts;
  const { name: tenant } = findTenant(definitions, request.tenant);
  const targets = findTargets(definitions, request.entity);
  const { signal } = request;
  const call: Call = {
    tenant,
    deadline: performance.now() + ERASE_DEADLINE_MS,
    ...(signal === undefined ? {} : { signal }),
  };
  const search = new Search(store, targets, call, request.onProgress);
  const before = await search.look();
  if (!request.confirmed) throw confirmationRequired(tenant, targets, before.counts);

  // A row dated ahead of now is the entity's as well, and would come back by its own time.
  const erasedAt = Math.max(clock.now(), before.latest);
  const scope = { project: definitions.project, tenant };
  const markers: string[] = [];
  for (const marked of targets.marked) markers.push(await putMarker(store, scope, marked, erasedAt, call));
  const removed = await search.erase(erasedAt);
  await waitForWriters(parts.settings ?? erasureSettings(definitions.onlineStore), request);
  for (let searches = 1; ; searches++) {
    const late = await search.erase(erasedAt);
    if (sum(late) === 0) break;
    if (searches === MAX_SEARCHES) throw comesBack(tenant, sum(late));
    for (const [view, rows] of late) removed.set(view, (removed.get(view) ?? 0) + rows);
  }
  return {
    project: definitions.project,
    tenant,
    joinKeys: targets.names,
    erasedAt,
    markers: markers.map((marker) => Buffer.from(marker, "latin1").toString("hex")),
    views: targets.views.map(({ view, entityKey }) => ({
      view: view.name,
      rows: removed.get(view.name) ?? 0,
      found: entityKey === undefined ? "search" : "key",
    })),
  };
}

/** Looks for the entity's rows. */
class Search {
  readonly #store: OnlineStore;
  readonly #targets: ErasureTargets;
  readonly #call: Call;
  readonly #onProgress: EraseRequest["onProgress"];

  constructor(store: OnlineStore, targets: ErasureTargets, call: Call, onProgress: EraseRequest["onProgress"]) {
    this.#store = store;
    this.#targets = targets;
    this.#call = call;
    this.#onProgress = onProgress;
  }

  /** Counts the rows per view, and tells the latest of their event times. */
  async look(): Promise<{ readonly counts: ReadonlyMap<string, number>; readonly latest: number }> {
    const counts = new Map<string, number>();
    let latest = Number.NEGATIVE_INFINITY;
    for (const target of this.#targets.views) {
      let rows = 0;
      for await (const { eventTime } of this.#rows(target)) {
        rows++;
        latest = Math.max(latest, eventTime ?? latest);
      }
      counts.set(target.view.name, rows);
    }
    return { counts, latest };
  }

  /** Removes the rows up to an event time, and those that cannot be read, and counts them per view. */
  async erase(upTo: number): Promise<Map<string, number>> {
    const removed = new Map<string, number>();
    for (const target of this.#targets.views) {
      const view = target.view.name;
      for await (const { entityKey, eventTime } of this.#rows(target)) {
        if (eventTime !== undefined && eventTime > upTo) continue;
        const rows = await this.#store.reset({ tenant: this.#call.tenant, view, entityKey }, this.#call);
        removed.set(view, (removed.get(view) ?? 0) + rows);
      }
    }
    return removed;
  }

  async *#rows({ view, entityKey, matches }: ErasureTarget) {
    const scope = { tenant: this.#call.tenant, view: view.name, ...(entityKey === undefined ? {} : { entityKey }) };
    let rows = 0;
    for await (const found of this.#store.scan(scope, this.#call)) {
      this.#onProgress?.({ phase: "search", view: view.name, rows: ++rows });
      if (matches(found.entityKey)) yield { entityKey: found.entityKey, eventTime: found.row?.eventTime };
    }
  }
}

/** Until no write can be under way that began before its process could hear of the marker. */
async function waitForWriters(
  { leaseMs, writeMs }: ErasureSettings,
  { signal, onProgress }: Pick<EraseRequest, "signal" | "onProgress">,
): Promise<void> {
  const total = leaseMs + writeMs;
  const end = performance.now() + total;
  for (let left = total; left > 0; left = end - performance.now()) {
    onProgress?.({ phase: "wait", fraction: 1 - left / total });
    try {
      await wait(Math.min(left, WAIT_STEP_MS), undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      throw signal?.aborted === true ? aborted(signal) : error;
    }
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, rows) => total + rows, 0);
}

function confirmationRequired(
  tenant: string,
  { names, views }: ErasureTargets,
  counts: ReadonlyMap<string, number>,
): LarderError {
  const rows = sum(counts);
  const list = views.map(({ view }) => `${counts.get(view.name) ?? 0} of ${view.name}`).join(", ");
  return new LarderError("CONFIRMATION_REQUIRED", {
    what: `This would erase one entity (${names.join(", ")}) of tenant "${tenant}" and remove ${rows} row${rows === 1 ? "" : "s"}: ${list}; nothing was changed`,
    remedy: "Run it again with --yes to erase it",
    facts: { tenant, rows, views: views.map(({ view }) => view.name) },
  });
}

function comesBack(tenant: string, rows: number): LarderError {
  return new LarderError("STORE_CONFLICT", {
    what: `Somebody who does not know of erasures goes on writing the entity's rows: ${rows} came back for tenant "${tenant}"`,
    remedy: "Stop older versions of Larder, and whatever else writes to this store, and run it again",
    facts: { tenant, rows },
  });
}
