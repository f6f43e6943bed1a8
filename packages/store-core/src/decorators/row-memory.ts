import type { FeatureView } from "@larder/schema";
import { type FeatureBatch, FieldStatus } from "../plan/feature-batch.ts";
import type { EntityKeys } from "../plan/read-plan.ts";
import type { ViewCells } from "../plan/view-cells.ts";
import { type RowReader, readFingerprint } from "../row/row-reader.ts";

/** A row that was read once. */
export interface KnownRow {
  /** The packed row, a character per byte: a string takes 20 bytes besides, a Buffer of its own ten times that. undefined: there was no row to be had. */
  readonly row: string | undefined;
  /** When the read began, by the logical clock, in microseconds. */
  readonly readAt: number;
  /** The same on the `performance.now()` line, which no step of a clock disturbs. */
  readonly since: number;
}

/** The remembered rows of one view of one tenant. */
export interface ViewMemory {
  readonly tenant: string;
  readonly view: string;
  readonly size: number;
}

/** When a read began; see {@link KnownRow}. */
export type ReadStart = Pick<KnownRow, "readAt" | "since">;

interface Entry extends KnownRow {
  readonly scope: Scope;
  readonly key: string;
  readonly size: number;
  older: Entry | undefined;
  newer: Entry | undefined;
}

class Scope implements ViewMemory {
  readonly tenant: string;
  readonly view: string;
  readonly entries = new Map<string, Entry>();

  constructor(tenant: string, view: string) {
    this.tenant = tenant;
    this.view = view;
  }

  get size(): number {
    return this.entries.size;
  }
}

/** What an entry costs besides the characters of its key and row, about: the Map's slot, the object, its numbers, the heads of two strings. */
const ENTRY_BYTES = 230;

/**
 * Packed rows and absences by (tenant, view, entity key), bounded by bytes: the longest unused go first. Its home is the heap alone. For decorators
 * that answer from rows that were read before.
 */
export class RowMemory {
  readonly #maxBytes: number;
  readonly #scopes = new Map<string, Map<string, Scope>>();
  /** Every schema that was met, by view and fingerprint. */
  readonly #readers = new Map<string, Map<number, RowReader>>();
  #oldest: Entry | undefined;
  #newest: Entry | undefined;
  #bytes = 0;
  #evictions = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Estimated, entries and bookkeeping. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Rows that went for want of room, so far. */
  get evictions(): number {
    return this.#evictions;
  }

  /** The rows of a view of a tenant; the same object each time. */
  of(tenant: string, view: string): ViewMemory {
    const known = this.#scopes.get(tenant)?.get(view);
    if (known !== undefined) return known;
    const scope = new Scope(tenant, view);
    const views = this.#scopes.get(tenant) ?? new Map<string, Scope>();
    this.#scopes.set(tenant, views.set(view, scope));
    return scope;
  }

  /** What is known of an entity, which becomes the last used. */
  find(memory: ViewMemory, key: string): KnownRow | undefined {
    const entry = (memory as Scope).entries.get(key);
    if (entry !== undefined && entry !== this.#newest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry;
  }

  /** The reader of a view's remembered rows with a fingerprint. */
  readerOf(view: FeatureView, fingerprint: number): RowReader | undefined {
    return this.#readers.get(view.name)?.get(fingerprint);
  }

  /** Lets rows with a fingerprint be read. */
  learn(view: FeatureView, fingerprint: number, reader: RowReader): void {
    const readers = this.#readers.get(view.name) ?? new Map<number, RowReader>();
    this.#readers.set(view.name, readers.set(fingerprint, reader));
  }

  /**
   * Remembers what a read brought from the store, absences too, unless something newer is known. Rows that came from anywhere else, and bytes that
   * could not be read, are not remembered. `wanted`: which rows.
   */
  remember(
    { plan, rowCount, cells }: FeatureBatch,
    keys: EntityKeys,
    tenant: string,
    start: ReadStart,
    wanted: (memory: ViewMemory, key: string) => boolean = () => true,
  ): void {
    for (const [index, { view, group }] of plan.views.entries()) {
      const { status, bytes, offsets, lengths, readers, sources } = cells[index] as ViewCells;
      const scope = this.of(tenant, view.name) as Scope;
      const entityKeys = keys.groups[group] ?? [];
      let reader: RowReader | undefined;
      for (let row = 0; row < rowCount; row++) {
        if (status[row] === FieldStatus.INVALID || (sources?.[row] ?? "store") !== "store") continue;
        const key = entityKeys[row] as string;
        if (!wanted(scope, key)) continue;
        const from = bytes[row];
        const at = offsets[row] as number;
        const text = from?.buffer.toString("latin1", at, at + (lengths[row] as number));
        const own = readers[row];
        if (from !== undefined && own !== undefined && own !== reader) {
          reader = own;
          this.learn(view, readFingerprint(from.view, at), own);
        }
        this.#put(scope, key, text, start);
      }
    }
  }

  /** Entity keys of a view's rows, as they are now. */
  keys(memory: ViewMemory): readonly string[] {
    return [...(memory as Scope).entries.keys()];
  }

  /** Knows from now on that an entity has no row, as of when its row was read. */
  empty(memory: ViewMemory, key: string): KnownRow | undefined {
    const scope = memory as Scope;
    const known = scope.entries.get(key);
    if (known !== undefined) this.#put(scope, key, undefined, known);
    return scope.entries.get(key);
  }

  drop(memory: ViewMemory, key: string): boolean {
    const entry = (memory as Scope).entries.get(key);
    if (entry === undefined) return false;
    this.#remove(entry);
    return true;
  }

  /** Forgets a view's rows and says how many there were. */
  clear(memory: ViewMemory): number {
    const { size } = memory;
    for (const entry of (memory as Scope).entries.values()) this.#remove(entry);
    return size;
  }

  /** Forgets everything. */
  clearAll(): void {
    for (const views of this.#scopes.values()) for (const scope of views.values()) this.clear(scope);
  }

  #put(scope: Scope, key: string, row: string | undefined, { readAt, since }: ReadStart): void {
    const known = scope.entries.get(key);
    if (known !== undefined) {
      // A read that began earlier and ended later does not undo what is known since.
      if (known.since > since) return;
      this.#remove(known);
    }
    const size = ENTRY_BYTES + key.length + (row?.length ?? 0);
    const entry: Entry = { row, readAt, since, scope, key, size, older: undefined, newer: undefined };
    scope.entries.set(key, entry);
    this.#link(entry);
    this.#bytes += size;
    while (this.#bytes > this.#maxBytes && this.#oldest !== undefined) {
      this.#evictions++;
      this.#remove(this.#oldest);
    }
  }

  #remove(entry: Entry): void {
    entry.scope.entries.delete(entry.key);
    this.#bytes -= entry.size;
    this.#unlink(entry);
  }

  #link(entry: Entry): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry): void {
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
  }
}
