export { decodeRecord, type SourceRecord } from "./decode-record.ts";
export {
  type MaterializeParts,
  type MaterializeProgress,
  type MaterializeRequest,
  materialize,
} from "./materialize.ts";
export { type MaterializePosition, readPosition } from "./position.ts";
export { MAX_SAMPLES, type MaterializeCounts, type MaterializeReport, type ViewReport } from "./report.ts";
export type { MaterializeWindow } from "./window.ts";
export { type WriteTarget, writeRows } from "./write-rows.ts";
