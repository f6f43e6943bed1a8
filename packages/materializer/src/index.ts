export { decodeRecord, type SourceRecord } from "./decode-record.ts";
export { type MaterializeRequest, materialize } from "./materialize.ts";
export { type IncrementalRequest, materializeIncremental } from "./materialize-incremental.ts";
export { type MaterializePosition, readPosition } from "./position.ts";
export { MAX_SAMPLES, type MaterializeCounts, type MaterializeReport, type ViewReport } from "./report.ts";
export type { LatestRowsSource, MaterializeParts, MaterializeProgress, RunRequest } from "./run.ts";
export type {
  BatchConsumer,
  EventSource,
  EventSourceCapabilities,
  Generation,
  PartitionOffset,
  RecordBatch,
  StreamRecord,
  TopicPartition,
} from "./stream/event-source.ts";
export { openEventSource, openRecordSink, openStreamAdmin } from "./stream/open-stream.ts";
export type { OutgoingRecord, RecordSink } from "./stream/record-sink.ts";
export type { StreamAdmin } from "./stream/stream-admin.ts";
export type { MaterializeWindow } from "./window.ts";
export { type WriteTarget, writeRows } from "./write-rows.ts";
