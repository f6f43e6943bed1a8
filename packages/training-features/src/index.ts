export { type EntityHistory, type EntityHistoryRequest, readEntityHistory } from "./latest-rows/entity-history.ts";
export {
  type LatestRowsChunk,
  type LatestRowsRequest,
  readLatestRows,
  type UnusableRow,
  type UnusableRows,
} from "./latest-rows/latest-rows.ts";
export type { SourceRecord } from "./latest-rows/record-reader.ts";
export { type RowsAsOf, type RowsAsOfRequest, readRowsAsOf } from "./latest-rows/rows-as-of.ts";
export { LINT_CODES, type LintCode, type LintExample, type LintFinding, type Severity } from "./lint/finding.ts";
export type { LintRequest } from "./lint/lint-training-set.ts";
export { type DuckDbOptions, openDuckDb } from "./offline/duckdb-session.ts";
export { type FileRowsChunk, type FileRowsRequest, readFileRows } from "./offline/file-rows.ts";
export type {
  ColumnBatch,
  EngineCall,
  EngineRow,
  EngineSession,
  EngineSubject,
  EngineValue,
  OfflineEngine,
} from "./offline/offline-engine.ts";
export { fingerprintSource } from "./offline/source-fingerprint.ts";
export type { LateRows } from "./offline/source-scan.ts";
export type { AsOf } from "./point-in-time/join-spec.ts";
export {
  type CellDifference,
  type ConsistencyReport,
  type ConsistencyRequest,
  checkConsistency,
  type FeatureConsistency,
} from "./served-log/check-consistency.ts";
export {
  type ForgetServedRequest,
  type ForgottenServed,
  forgetServed,
  requireServedLogAccess,
} from "./served-log/forget-served.ts";
export { openSpark, type SparkEngine } from "./spark/spark-session.ts";
export type { FeatureChange, InputChange, SettingChange } from "./training-set/compare-manifests.ts";
export type { ColumnDifference, RowDifferences } from "./training-set/compare-rows.ts";
export { type DiffRequest, diffTrainingSets, type TrainingSetDiff } from "./training-set/diff.ts";
export type { EntityInput, EntityQuery, EntityRecords } from "./training-set/entity-source.ts";
export {
  type FindEntityRequest,
  type FoundEntity,
  type FoundTrainingSet,
  findInTrainingSets,
} from "./training-set/find-entity.ts";
export {
  MANIFEST_FORMAT,
  type ManifestFile,
  type ManifestInputFile,
  type ManifestLint,
  type ManifestOutput,
  type ManifestSplit,
  type ManifestStaleness,
  type ManifestView,
  type TrainingSetManifest,
} from "./training-set/manifest.ts";
export { readManifest } from "./training-set/read-manifest.ts";
export { type ReproduceRequest, type Reproduction, reproduceTrainingSet } from "./training-set/reproduce.ts";
export { streamTrainingSet, type TrainingStreamRequest } from "./training-set/stream-training-set.ts";
export {
  buildTrainingSet,
  type TrainingSetProgress,
  type TrainingSetReport,
  type TrainingSetRequest,
} from "./training-set/training-set.ts";
