import { type Definitions, findModel, LarderError, type ModelDefinition } from "@larder/schema";
import { ModelThreads } from "../model/model-threads.ts";
import { Looker } from "../watch/looker.ts";
import { ModelSlot } from "./model-slot.ts";
import type { ModelEvent, ModelState, ModelUse } from "./model-state.ts";
import type { ModelLease } from "./served-version.ts";

/** Settings of a {@link ModelRegistry}. */
export interface ModelRegistryOptions {
  /** Milliseconds between looks at the models' files. Default 1 s. */
  readonly pollMs?: number;
  /** Told of every version that is loaded or unloaded, or could not be loaded where nobody waits for it. */
  readonly onEvent?: (event: ModelEvent) => void;
}

const POLL_MS = 1000;

/**
 * Loads every model of the definitions, each version of it that is to be served, and keeps up with their files. Either all are loaded or none stays
 * open.
 * @throws MODEL_UNREADABLE, MODEL_MISMATCH (all problems of a model at once), MODEL_TRAINED_ON_OTHER_DEFINITIONS, MISSING_DEPENDENCY
 */
export async function loadModels(definitions: Definitions, options: ModelRegistryOptions = {}): Promise<ModelRegistry> {
  const { pollMs = POLL_MS, onEvent = () => {} } = options;
  const { modelThreads, modelQueue } = definitions.server;
  const threads = new ModelThreads({ threads: modelThreads, queue: modelQueue });
  const slots = new Map<string, ModelSlot>();
  try {
    for (const definition of definitions.models.values()) {
      const slot = new ModelSlot(definition, { definitions, threads, onEvent });
      slots.set(definition.name, slot);
      await slot.load();
    }
  } catch (error) {
    await threads.close();
    for (const slot of slots.values()) await slot.close();
    throw error;
  }
  return new ModelRegistry(definitions, slots, threads, pollMs);
}

/**
 * The models of a server, by name and version. Their files are looked at: what is new or changed is loaded beside what answers, checked and run once,
 * and takes its place in one step; requests under way finish on what they began with. What cannot be served changes nothing.
 */
export class ModelRegistry implements AsyncDisposable {
  readonly #definitions: Definitions;
  readonly #slots: ReadonlyMap<string, ModelSlot>;
  /** Where models run on many rows. */
  readonly threads: ModelThreads;
  readonly #looker: Looker;

  /** Of loaded slots: use {@link loadModels}. */
  constructor(definitions: Definitions, slots: ReadonlyMap<string, ModelSlot>, threads: ModelThreads, pollMs: number) {
    this.#definitions = definitions;
    this.#slots = slots;
    this.threads = threads;
    this.#looker = new Looker(() => this.#look(), pollMs);
  }

  /**
   * Borrows a version of a model, by default its current one. It is to be released: `using lease = registry.acquire(…)`.
   * @throws UNKNOWN_MODEL for a name or version that there is not, MODEL_NOT_READY for a model that is unloaded or failed
   */
  acquire(name: string, version?: string): ModelLease {
    return this.#slot(name).acquire(version);
  }

  /** The model of requests that name none: the file's first. @throws UNKNOWN_MODEL where there is none */
  first(): ModelDefinition {
    for (const model of this.#definitions.models.values()) return model;
    throw new LarderError("UNKNOWN_MODEL", {
      what: "There is no model",
      remedy: "Declare one under models in feature_store.yaml",
      facts: { field: "model" },
    });
  }

  /** Whether every model has a version that answers; what was unloaded on purpose is missed by nobody. */
  get ready(): boolean {
    return this.states().every(({ current, unloaded }) => unloaded || current !== undefined);
  }

  /** How a model stands. @throws UNKNOWN_MODEL */
  state(name: string): ModelState {
    return this.#slot(name).state();
  }

  /** How every model stands, in the file's order. */
  states(): readonly ModelState[] {
    return [...this.#slots.values()].map((slot) => slot.state());
  }

  /** What the threads are at that run models on many rows. */
  use(): ModelUse {
    const { waiting, running, ended } = this.threads;
    const inlineRows = new Map<string, number>();
    for (const { definition, current, versions } of this.states()) {
      const model = versions.find(({ version }) => version === current)?.model;
      if (model !== undefined) inlineRows.set(definition.name, model.runner.inlineRows);
    }
    return { waiting, running, ended, inlineRows };
  }

  /**
   * Loads what is new or changed of a model now, and a model that was unloaded. What cannot be served leaves what answers as it is.
   * @throws UNKNOWN_MODEL; what {@link loadModels} throws
   */
  load(name: string): Promise<void> {
    return this.#slot(name).load();
  }

  /** Stops serving a model until it is loaded again; requests under way finish. @throws UNKNOWN_MODEL */
  unload(name: string): Promise<void> {
    return this.#slot(name).unload();
  }

  /** Frees every model once the requests that use it have ended; those that wait for a thread fail. Safe to call twice. */
  async close(): Promise<void> {
    await this.#looker.close();
    await this.threads.close();
    await Promise.all([...this.#slots.values()].map((slot) => slot.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #slot(name: string): ModelSlot {
    return this.#slots.get(findModel(this.#definitions, name).name) as ModelSlot;
  }

  async #look(): Promise<void> {
    for (const slot of this.#slots.values()) await slot.look();
  }
}
