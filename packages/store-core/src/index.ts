export {
  type AppliedAt,
  type ApplyParts,
  applyDefinitions,
  type DefinitionsParts,
  type DefinitionsPlan,
  planDefinitions,
} from "./applied-definitions.ts";
export type { Call } from "./call.ts";
export {
  hashKey,
  type NearCacheUse,
  nearCacheUses,
  type RowFault,
  rowFaults,
  type StoreCall,
  type StoreSignal,
  storeCalls,
  storeSignals,
} from "./diagnostics.ts";
export {
  type ErasedView,
  type EraseParts,
  type EraseReport,
  type EraseRequest,
  eraseEntity,
} from "./erasure/erase-entity.ts";
export type { ErasedEntities } from "./erasure/erased-entities.ts";
export { readErased } from "./erasure/erasure-record.ts";
export {
  createErasureWatch,
  type ErasureSettings,
  type ErasureWatch,
  erasureSettings,
} from "./erasure/erasure-watch.ts";
export { type ExplainOptions, explainRedis } from "./explain-redis.ts";
export { inspectOnlineStore } from "./inspect-online-store.ts";
export { decodeEntityKey, encodeEntityKey } from "./keys/entity-key.ts";
export { openStoreMeter, type StoreMeter } from "./meter-redis.ts";
export type {
  OnlineStore,
  OnlineStoreCapabilities,
  ReadOptions,
  ResetOptions,
  ResetScope,
  ScanFault,
  ScannedFeatureRow,
  WriteOutcome,
  WriteResult,
} from "./online-store.ts";
export { FORMAT_VERSION, type OpenOptions, openOnlineStore } from "./open-online-store.ts";
export { createPackedOnlineStore } from "./packed-online-store.ts";
export { createReadPlan } from "./plan/create-read-plan.ts";
export { encodeEntityColumns, encodeEntityRows } from "./plan/encode-entities.ts";
export { type FeatureBatch, FieldStatus, STATUS_NAMES, type StatusName } from "./plan/feature-batch.ts";
export type { EntityKeys, PlanColumn, PlanGroup, PlanView, ReadPlan } from "./plan/read-plan.ts";
export type { RowSource } from "./plan/view-cells.ts";
export { refuseBadRows } from "./plan/write-plan.ts";
export { POSITION_NAMES } from "./positions.ts";
export { createRowOrder, type RowOrder } from "./row/row-order.ts";
export type {
  AfterStep,
  MetaScope,
  MetaValue,
  PagedRow,
  PageScope,
  PutOutcome,
  RowGet,
  RowGroup,
  RowPage,
  RowScope,
  RowSlices,
  RowStore,
  RowStoreCapabilities,
  RowUsage,
  ScannedRow,
  StoredRow,
  ViewScope,
} from "./row-store.ts";
export {
  type FreshnessSignal,
  type GapCause,
  type RowSignals,
  readWatermark,
  type SignalScope,
  type Subscription,
  type Watermark,
} from "./signals/signals.ts";
export { memoryOfEntities } from "./stores/redis/explain/memory-of-entities.ts";
export type {
  Alternative,
  EntityBasis,
  Forecast,
  GroupReport,
  MemoryParts,
  RedisExplanation,
  ServerReport,
  ViewReport,
} from "./stores/redis/explain/report.ts";
export type { StoreAdvice } from "./stores/redis/server-advice.ts";
export { type SweepOptions, sweepOnlineStore } from "./upkeep/sweep-online-store.ts";
export type { SweepReport } from "./upkeep/sweep-rows.ts";
export { readUsage, type TenantUsage } from "./upkeep/usage-record.ts";
