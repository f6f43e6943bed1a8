import { type Definitions, isLarderError, LarderError, type ModelDefinition } from "@larder/schema";
import { type LoadedModel, loadModel } from "../model/load-model.ts";
import { findFiles, locateVersions, type ModelFiles, type VersionPlace } from "../model/model-files.ts";
import type { ModelThreads } from "../model/model-threads.ts";
import type { ModelEvent, ModelState } from "./model-state.ts";
import { type ModelLease, ServedVersion } from "./served-version.ts";

/** A version that answers, and the stamp of the files it was loaded from. */
interface Serving {
  readonly stamp: string;
  readonly served: ServedVersion;
}

/** Files that could not be served, by the stamp they had. */
interface Failure {
  readonly stamp: string;
  readonly error: LarderError;
}

/** What the models of a server share. */
export interface SlotParts {
  readonly definitions: Definitions;
  readonly threads: ModelThreads;
  readonly onEvent: (event: ModelEvent) => void;
}

/** One model of the definitions: its versions, and how they follow their files. Its loads and unloads come one after the other. */
export class ModelSlot {
  readonly #definitions: Definitions;
  readonly #definition: ModelDefinition;
  readonly #threads: ModelThreads;
  readonly #onEvent: (event: ModelEvent) => void;
  /** The lowest version first. Replaced as a whole by every change: a request sees the versions of before or those of after. */
  #serving: ReadonlyMap<string, Serving> = new Map();
  #current: ServedVersion | undefined;
  #failures: ReadonlyMap<string, Failure> = new Map();
  /** Of the path as a whole. */
  #problem: LarderError | undefined;
  /** Stamps of the last look: files that are still being written differ from look to look. */
  #seen: ReadonlyMap<string, string> = new Map();
  #unloaded = false;
  #closed = false;
  readonly #loads = { succeeded: 0, failed: 0 };
  #last: Promise<unknown> = Promise.resolve();
  readonly #retiring = new Set<Promise<void>>();

  constructor(definition: ModelDefinition, { definitions, threads, onEvent }: SlotParts) {
    this.#definitions = definitions;
    this.#definition = definition;
    this.#threads = threads;
    this.#onEvent = onEvent;
  }

  /** @throws UNKNOWN_MODEL for a version that there is not, MODEL_NOT_READY */
  acquire(version: string | undefined): ModelLease {
    const served = version === undefined ? this.#current : this.#serving.get(version)?.served;
    if (served === undefined) throw this.#absent(version);
    return served.lease();
  }

  state(): ModelState {
    const numbers = new Set([...this.#serving.keys(), ...this.#failures.keys()]);
    return {
      definition: this.#definition,
      unloaded: this.#unloaded,
      current: this.#current?.model.version,
      versions: [...numbers].sort(byNumber).map((version) => ({
        version,
        model: this.#serving.get(version)?.served.model,
        problem: this.#failures.get(version)?.error,
      })),
      problem: this.#problem,
      loads: { ...this.#loads },
    };
  }

  /** Loads what is new, changed or failed before. @throws the first problem; the other versions are loaded all the same */
  load(): Promise<void> {
    return this.#inTurn(async () => {
      this.#unloaded = false;
      const problem = await this.#follow(false);
      if (problem !== undefined) throw problem;
    });
  }

  /** Loads what is new or changed and was the same at the look before; problems are events. */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#unloaded) await this.#follow(true);
    });
  }

  unload(): Promise<void> {
    return this.#inTurn(() => {
      this.#unloaded = true;
      this.#failures = new Map();
      this.#seen = new Map();
      this.#problem = undefined;
      this.#serve(new Map());
    });
  }

  /** Resolves when all is freed. */
  async close(): Promise<void> {
    await this.#inTurn(() => {
      this.#closed = true;
      this.#serve(new Map());
    });
    await Promise.all(this.#retiring);
  }

  /** Work that failed does not keep the next from its turn. */
  #inTurn(work: () => Promise<void> | void): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Brings the versions up to the files; answers the first problem. `patient`: only to files that have settled, and once to those that fail. */
  async #follow(patient: boolean): Promise<LarderError | undefined> {
    if (this.#closed) return undefined;
    let places: readonly VersionPlace[];
    try {
      places = (await locateVersions(this.#definition)).slice(-this.#definition.maxVersions);
    } catch (error) {
      return this.#pathFailed(coded(error), patient);
    }
    this.#problem = undefined;
    const before = this.#seen;
    const seen = new Map<string, string>();
    this.#seen = seen;
    let first: LarderError | undefined;
    for (const { version, ...place } of places) {
      const files = await findFiles(this.#definition.name, { version, ...place }).catch(coded);
      const stamp = isLarderError(files) ? files.message : files.stamp;
      seen.set(version, stamp);
      if (this.#serving.get(version)?.stamp === stamp) {
        this.#failures = without(this.#failures, version);
        continue;
      }
      const due = before.get(version) === stamp && this.#failures.get(version)?.stamp !== stamp;
      if (patient && !due) continue;
      const problem = isLarderError(files) ? files : await this.#loadVersion(files);
      if (problem === undefined) continue;
      this.#failed(version, stamp, problem);
      // What is thrown to a caller is told by it.
      if (patient || first !== undefined) this.#tellFailure(version, problem);
      first ??= problem;
    }
    this.#failures = new Map([...this.#failures].filter(([version]) => seen.has(version)));
    // What has no files any more goes once all that have are served: a model is never without what could answer.
    if (places.every(({ version }) => this.#serving.has(version))) {
      this.#serve(new Map([...this.#serving].filter(([version]) => seen.has(version))));
    }
    return first;
  }

  async #loadVersion(files: ModelFiles): Promise<LarderError | undefined> {
    const { version, stamp } = files;
    let model: LoadedModel;
    try {
      model = await loadModel(this.#definitions, this.#definition, files, this.#threads);
    } catch (error) {
      return coded(error);
    }
    this.#loads.succeeded++;
    this.#failures = without(this.#failures, version);
    const entry = [version, { stamp, served: new ServedVersion(model) }] as const;
    this.#serve(new Map([...this.#serving, entry].sort(([a], [b]) => byNumber(a, b))));
    this.#onEvent({ kind: "loaded", model });
    return undefined;
  }

  #failed(version: string, stamp: string, error: LarderError): void {
    this.#loads.failed++;
    this.#failures = new Map(this.#failures).set(version, { stamp, error });
  }

  /** Counted and told once, not at every look. */
  #pathFailed(error: LarderError, patient: boolean): LarderError {
    if (!patient || this.#problem?.message !== error.message) this.#loads.failed++;
    if (patient && this.#problem?.message !== error.message) this.#tellFailure(undefined, error);
    this.#problem = error;
    return error;
  }

  #tellFailure(version: string | undefined, error: LarderError): void {
    const kept = version === undefined ? this.#serving.size > 0 : this.#serving.has(version);
    this.#onEvent({ kind: "failed", name: this.#definition.name, version, error, kept });
  }

  /** Puts other versions in the place of those that answer, in one step, and retires those that are left out. */
  #serve(next: ReadonlyMap<string, Serving>): void {
    const before = this.#serving;
    this.#serving = next;
    this.#current = [...next.values()].at(-1)?.served;
    for (const [version, { served }] of before) {
      if (next.get(version)?.served === served) continue;
      const freed = served
        .retire()
        .catch((error: unknown) => this.#tellFailure(version, coded(error)))
        .finally(() => this.#retiring.delete(freed));
      this.#retiring.add(freed);
      if (!next.has(version) && !this.#closed)
        this.#onEvent({ kind: "unloaded", name: this.#definition.name, version });
    }
  }

  #absent(version: string | undefined): LarderError {
    const { name } = this.#definition;
    const known = version === undefined || this.#failures.has(version);
    if (this.#serving.size > 0 && !known) {
      return new LarderError("UNKNOWN_MODEL", {
        what: `Model "${name}" has no version "${String(version).slice(0, 100)}"`,
        remedy: `Use one of: ${[...this.#serving.keys()].join(", ")}`,
        facts: { model: name, field: "version" },
      });
    }
    return new LarderError("MODEL_NOT_READY", {
      what: `Model "${name}"${version === undefined ? "" : `, version ${version.slice(0, 100)},`} is ${this.#unloaded ? "unloaded" : "not loaded"}`,
      remedy:
        "Load it with POST /v2/repository/models/{model}/load, or see the server's log for what is wrong with its files",
      facts: { model: name },
      retryable: !this.#unloaded,
    });
  }
}

function byNumber(left: string, right: string): number {
  return Number(left) - Number(right);
}

function without<T>(map: ReadonlyMap<string, T>, key: string): ReadonlyMap<string, T> {
  if (!map.has(key)) return map;
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

function coded(error: unknown): LarderError {
  if (isLarderError(error)) return error;
  return new LarderError("INTERNAL", {
    what: `A model failed to load: ${error instanceof Error ? error.message : String(error)}`,
    remedy: "Report this with the model",
    cause: error,
  });
}
