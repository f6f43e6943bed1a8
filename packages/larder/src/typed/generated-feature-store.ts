import type { Int64Mode, Schema } from "@larder/contract/typed";
import { FeatureStore } from "../feature-store.ts";
import type { TypedFeatureStore, TypedFeatureStoreOptions } from "./typed-feature-store.ts";

/** What `larder.gen.ts` exports as `FeatureStore`. */
export interface GeneratedFeatureStore<S extends Schema> {
  /**
   * As `FeatureStore.open`, for the definitions that the types were made from.
   * @throws CODEGEN_STALE for definitions of other shapes, and what `FeatureStore.open` throws
   */
  open<Int64 extends Int64Mode = "number">(
    file: string,
    options?: TypedFeatureStoreOptions<S, Int64>,
  ): Promise<TypedFeatureStore<S, Int64>>;
}

/** For generated code: only there `S` and `shapes`, the hash of what `S` was made from, are sure to belong together. */
export function generatedFeatureStore<S extends Schema>({
  shapes,
}: {
  readonly shapes: string;
}): GeneratedFeatureStore<S> {
  return { open: (file, options) => FeatureStore.open(file, { ...options, shapes }) };
}
