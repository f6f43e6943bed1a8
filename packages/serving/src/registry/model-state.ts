import type { LarderError, ModelDefinition } from "@larder/schema";
import type { LoadedModel } from "../model/load-model.ts";

/** A version of a model, as far as it is served. */
export interface VersionState {
  readonly version: string;
  /** What answers; undefined where there is nothing of this version to answer with. */
  readonly model: LoadedModel | undefined;
  /** Why its files, as they are now, are not what answers. */
  readonly problem: LarderError | undefined;
}

/** A model of the definitions and its versions, the lowest number first. */
export interface ModelState {
  readonly definition: ModelDefinition;
  /** Unloaded on purpose: its files are not looked at. */
  readonly unloaded: boolean;
  /** The version that answers requests which name none; undefined when there is none. */
  readonly current: string | undefined;
  readonly versions: readonly VersionState[];
  /** Why its path, as it is now, cannot be looked through for versions. */
  readonly problem: LarderError | undefined;
  /** Loads since the start. */
  readonly loads: { readonly succeeded: number; readonly failed: number };
}

/** What became of a version of a model; a failure that is thrown to a caller is no event, too. `kept`: its files could not be served, and what was loaded before goes on to answer. */
export type ModelEvent =
  | { readonly kind: "loaded"; readonly model: LoadedModel }
  | { readonly kind: "unloaded"; readonly name: string; readonly version: string }
  | {
      readonly kind: "failed";
      readonly name: string;
      /** undefined where the path could not be looked through. */
      readonly version: string | undefined;
      readonly error: LarderError;
      readonly kept: boolean;
    };

/** What the threads are at that run models on many rows, and how many rows each model runs without them. */
export interface ModelUse {
  readonly waiting: number;
  readonly running: number;
  readonly ended: number;
  readonly inlineRows: ReadonlyMap<string, number>;
}
