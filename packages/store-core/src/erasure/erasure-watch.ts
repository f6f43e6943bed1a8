import { type Call, refuseEnded } from "../call.ts";
import { type ErasedEntities, NOTHING_ERASED } from "./erased-entities.ts";
import { type ErasureReader, type ErasureRecord, NO_RECORD, readErasures } from "./erasure-record.ts";

/** How soon every process learns of an erasure. Milliseconds. */
export interface ErasureSettings {
  /** What is known of a tenant's erasures is good for so long; then the store is asked again before the next write. */
  readonly leaseMs: number;
  /** A write that takes longer is given up: no write is under way so long after its lease. */
  readonly writeMs: number;
}

/** The default; a store with a longer write deadline has that as `writeMs`. */
export function erasureSettings({ writeDeadlineMs }: { readonly writeDeadlineMs: number }): ErasureSettings {
  return { leaseMs: 1_000, writeMs: Math.max(5_000, writeDeadlineMs) };
}

/**
 * What this process knows of erased entities, tenant by tenant. Whatever keeps rows outside the store (last known good, a near cache) asks it before
 * it answers: `known(tenant).erasedAt(view, entityKey)`, and calls `poll` while it is in use.
 */
export interface ErasureWatch {
  /** What is erased, known since less than the lease: asks the store if need be. @throws what reading the store throws */
  current(tenant: string, call: Call): Promise<ErasedEntities>;
  /** Asks the store whatever the lease says. */
  refresh(tenant: string, call: Call): Promise<ErasedEntities>;
  /** What was known last, without asking. */
  known(tenant: string): ErasedEntities;
  /** Asks the store in the background if the lease is over. Never throws. */
  poll(tenant: string): void;
  /** Calls back, with the tenant, whenever more is known to be erased. */
  onChange(listener: (tenant: string) => void): void;
}

/** Watches the erasures that `store` keeps. */
export function createErasureWatch(store: ErasureReader, project: string, settings: ErasureSettings): ErasureWatch {
  return new StoreErasureWatch(store, project, settings);
}

interface Known {
  readonly record: ErasureRecord;
  /** When the store was asked, on the `performance.now()` line: what it answered was true then. */
  readonly askedAt: number;
}

class StoreErasureWatch implements ErasureWatch {
  readonly #store: ErasureReader;
  readonly #project: string;
  readonly #settings: ErasureSettings;
  /** By tenant: at most those that are declared, since the store refuses others. */
  readonly #known = new Map<string, Known>();
  readonly #polling = new Set<string>();
  readonly #listeners: ((tenant: string) => void)[] = [];

  constructor(store: ErasureReader, project: string, settings: ErasureSettings) {
    this.#store = store;
    this.#project = project;
    this.#settings = settings;
  }

  async current(tenant: string, call: Call): Promise<ErasedEntities> {
    for (;;) {
      const known = this.#known.get(tenant);
      if (known !== undefined && performance.now() < known.askedAt + this.#settings.leaseMs) return known.record.erased;
      refuseEnded(call);
      // Again if the answer took longer than the lease.
      await this.refresh(tenant, call);
    }
  }

  async refresh(tenant: string, call: Call): Promise<ErasedEntities> {
    const askedAt = performance.now();
    const before = this.#known.get(tenant)?.record ?? NO_RECORD;
    const record = await readErasures(this.#store, { project: this.#project, tenant }, before, call);
    const known = this.#known.get(tenant);
    // Of two that asked at once the later knows more.
    if (known === undefined || known.askedAt <= askedAt) {
      this.#known.set(tenant, { record, askedAt });
      if (record !== (known?.record ?? NO_RECORD)) for (const listener of this.#listeners) listener(tenant);
    }
    return record.erased;
  }

  known(tenant: string): ErasedEntities {
    return this.#known.get(tenant)?.record.erased ?? NOTHING_ERASED;
  }

  poll(tenant: string): void {
    const known = this.#known.get(tenant);
    if (known !== undefined && performance.now() < known.askedAt + this.#settings.leaseMs) return;
    if (this.#polling.has(tenant)) return;
    this.#polling.add(tenant);
    // A store that fails is met by the read itself, and asked again at the next one.
    const done = () => this.#polling.delete(tenant);
    this.refresh(tenant, { tenant }).then(done, done);
  }

  onChange(listener: (tenant: string) => void): void {
    this.#listeners.push(listener);
  }
}
