export type * as Typed from "@larder/contract/typed";
export type { Int64Mode, OnlineFeatures, TimeInput } from "@larder/contract/typed";
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
export type { FeaturesAsOfRequest } from "./features-as-of.ts";
export type { ErasureReceipt } from "./forget-entity.ts";
export type { EntityRow } from "./online-features.ts";
export type { PushResult } from "./push-rows.ts";
export type { FeatureSelection } from "./read-plans.ts";
export { type GeneratedFeatureStore, generatedFeatureStore } from "./typed/generated-feature-store.ts";
export type { TypedFeatureStore, TypedFeatureStoreOptions } from "./typed/typed-feature-store.ts";
