export type { Call } from "./call.ts";
export type {
  OnlineStore,
  OnlineStoreCapabilities,
  ReadOptions,
  ResetScope,
  ScannedFeatureRow,
  WriteOutcome,
  WriteResult,
} from "./online-store.ts";
export { type FeatureBatch, FieldStatus, type RowSource, STATUS_NAMES, type StatusName } from "./plan/feature-batch.ts";
export type { EntityColumns, EntityKeys, PlanColumn, PlanGroup, PlanView, ReadPlan } from "./plan/read-plan.ts";
export type {
  MetaScope,
  MetaValue,
  PutOutcome,
  RowGet,
  RowGroup,
  RowScope,
  RowSlices,
  RowStore,
  RowStoreCapabilities,
  ScannedRow,
  StoredRow,
  ViewScope,
} from "./row-store.ts";
