export { decodeRecord, type SourceRecord } from "./decode-record.ts";
export { type MaterializeRequest, materialize } from "./materialize.ts";
export { type IncrementalRequest, materializeIncremental } from "./materialize-incremental.ts";
export { createPace, type Pace } from "./pace.ts";
export { type MaterializePosition, readPosition } from "./position.ts";
export { MAX_SAMPLES, type MaterializeCounts, type MaterializeReport, type ViewReport } from "./report.ts";
export type { LatestRowsSource, MaterializeParts, MaterializeProgress, RunRequest } from "./run.ts";
export type { MaterializeWindow } from "./window.ts";
export { type WriteTarget, writeRows } from "./write-rows.ts";
