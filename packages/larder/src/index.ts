export { isLarderError, LarderError } from "@larder/schema";
export {
  FeatureStore,
  type FeatureStoreOptions,
  type ForgetOptions,
  type HistoricalFeaturesRequest,
  type IncrementalRequest,
  type MaterializeRequest,
  type OnlineFeaturesRequest,
} from "./feature-store.ts";
export type { ErasureReceipt } from "./forget-entity.ts";
export type { EntityRow, Int64Mode, OnlineFeatures } from "./online-features.ts";
export type { PushResult } from "./push-rows.ts";
export type { FeatureSelection } from "./read-plans.ts";
export type { TimeInput } from "./time-input.ts";
export { type GeneratedFeatureStore, generatedFeatureStore } from "./typed/generated-feature-store.ts";
export type * as Typed from "./typed/typed.ts";
export type { TypedFeatureStore, TypedFeatureStoreOptions } from "./typed/typed-feature-store.ts";
