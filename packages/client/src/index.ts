export type * as Typed from "@larder/contract/typed";
export type { Int64Mode, OnlineFeatures, TimeInput } from "@larder/contract/typed";
export { isLarderError, LarderError } from "@larder/schema/portable";
export {
  type CallOptions,
  type ClientOptions,
  createClient,
  type DeleteRequest,
  type FeaturesRequest,
  type LarderClient,
  type PredictRequest,
} from "./client.ts";
export type { RetryOptions } from "./retry-policy.ts";
export { type GeneratedClient, generatedClient, type TypedClient, type TypedClientOptions } from "./typed-client.ts";
