import { LarderError, type Problem } from "@larder/schema";
import type { Call, MetaScope, OnlineStore } from "@larder/store-core";
import { asObject, readRecord, writeRecord } from "./meta-record.ts";
import { type MaterializeCounts, NO_COUNTS } from "./report.ts";
import type { MaterializeWindow } from "./window.ts";

/** What a run must have in common with the one whose checkpoint it continues; anything else starts over, which is always safe. */
export interface RunIdentity extends MaterializeWindow {
  /** Of an incremental run: late rows were taken if created after this, in microseconds. */
  readonly createdAfter: number | undefined;
  /** Hash of the definitions: a row written under others has another shape. */
  readonly definitions: string;
  /** Identity of the files that were read: the resume token counts in their rows. */
  readonly source: string;
}

/** How far a run has come in one view. */
export interface CheckpointState {
  /** Where the reader continues; undefined at the beginning. */
  readonly after: string | undefined;
  /** Every row of the view has gone through; only other views of the run are left. */
  readonly done: boolean;
  readonly counts: MaterializeCounts;
  readonly samples: readonly Problem[];
  /** The greatest created time seen, in microseconds. */
  readonly created: number | undefined;
}

/** Name of the meta blob, in the scope of (project, tenant, view). */
const CHECKPOINT_NAME = "checkpoint";

const VERSION = 1;

/** The checkpoint of one view, kept in the online store so that it moves and is reset with the rows it speaks of. */
export class Checkpoint {
  readonly #store: OnlineStore;
  readonly #scope: MetaScope;
  readonly #identity: RunIdentity;
  readonly #call: () => Call;
  #revision: string | undefined;
  /** What a run with the same identity left behind; undefined to begin at the beginning. */
  readonly found: CheckpointState | undefined;

  private constructor(
    store: OnlineStore,
    scope: MetaScope,
    identity: RunIdentity,
    call: () => Call,
    record: { readonly value: unknown; readonly revision: string | undefined },
  ) {
    this.#store = store;
    this.#scope = scope;
    this.#identity = identity;
    this.#call = call;
    this.#revision = record.revision;
    this.found = decode(record.value, identity);
  }

  /** Reads what is there. A checkpoint of another window, source, definition or version counts as none and will be replaced. */
  static async open(
    store: OnlineStore,
    scope: MetaScope,
    identity: RunIdentity,
    call: () => Call,
  ): Promise<Checkpoint> {
    return new Checkpoint(store, scope, identity, call, await readRecord(store, scope, CHECKPOINT_NAME, call()));
  }

  /** Keeps how far the run has come. Safe to repeat. @throws STORE_CONFLICT when another run works on the view */
  async save(state: CheckpointState): Promise<void> {
    const value = { version: VERSION, ...this.#identity, ...state };
    const revision =
      (await writeRecord(this.#store, this.#scope, CHECKPOINT_NAME, value, this.#revision, this.#call())) ??
      (await this.#revisionOf(value));
    if (revision === undefined) {
      throw new LarderError("STORE_CONFLICT", {
        what: `Another run materializes view "${this.#scope.view ?? ""}" of tenant "${this.#scope.tenant ?? ""}"`,
        remedy: "Wait until it has ended, and run again; nothing was lost, since the newest row wins",
        facts: { view: this.#scope.view, tenant: this.#scope.tenant },
      });
    }
    this.#revision = revision;
  }

  /** A write that timed out may have arrived: its repetition finds its own value. */
  async #revisionOf(value: object): Promise<string | undefined> {
    const found = await readRecord(this.#store, this.#scope, CHECKPOINT_NAME, this.#call());
    return JSON.stringify(found.value) === JSON.stringify(value) ? found.revision : undefined;
  }

  /** Forgets it: the run has ended. */
  async remove(): Promise<void> {
    await this.#store.deleteMeta(this.#scope, CHECKPOINT_NAME, this.#call());
  }
}

function decode(value: unknown, identity: RunIdentity): CheckpointState | undefined {
  const found = asObject(value);
  if (found === undefined || found["version"] !== VERSION) return undefined;
  for (const key of ["start", "end", "createdAfter", "definitions", "source"] as const) {
    if (found[key] !== identity[key]) return undefined;
  }
  const counts = asObject(found["counts"]);
  if (counts === undefined) return undefined;
  return {
    after: typeof found["after"] === "string" ? found["after"] : undefined,
    done: found["done"] === true,
    counts: { ...NO_COUNTS, ...counts },
    samples: Array.isArray(found["samples"]) ? (found["samples"] as Problem[]) : [],
    created: typeof found["created"] === "number" ? found["created"] : undefined,
  };
}
