export { type DuckDbOptions, openDuckDb } from "./offline/duckdb-session.ts";
export type {
  ColumnBatch,
  EngineCall,
  EngineRow,
  EngineSubject,
  EngineValue,
  OfflineEngine,
} from "./offline/offline-engine.ts";
export type { AsOf } from "./point-in-time/join-spec.ts";
export {
  MANIFEST_FORMAT,
  type ManifestFile,
  type ManifestView,
  type TrainingSetManifest,
} from "./training-set/manifest.ts";
export {
  buildTrainingSet,
  type TrainingSetProgress,
  type TrainingSetReport,
  type TrainingSetRequest,
} from "./training-set/training-set.ts";
