export { decodeRecord, type SourceRecord } from "./decode-record.ts";
export { type MaterializeRequest, materialize } from "./materialize.ts";
export { type IncrementalRequest, materializeIncremental } from "./materialize-incremental.ts";
export { type MaterializePosition, readPosition } from "./position.ts";
export { MAX_SAMPLES, type MaterializeCounts, type MaterializeReport, type ViewReport } from "./report.ts";
export type { LatestRowsSource, MaterializeParts, MaterializeProgress, RunRequest } from "./run.ts";
export { createRecordDecoder, type RecordDecoderOptions } from "./stream/decode/record-decoder.ts";
export type { DecodedRecord, DecodedStreamRow, RecordDecoder, Refusal } from "./stream/decoded-record.ts";
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
export {
  openEventSource,
  openRecordSink,
  openStreamAdmin,
} from "./stream/open-stream.ts";
export type { OutgoingRecord, RecordSink } from "./stream/record-sink.ts";
export type { StreamAdmin } from "./stream/stream-admin.ts";
export { DEAD_LETTER_HEADERS, deadLetterTopic } from "./stream/sync/dead-letters.ts";
export type { Dependency, Outage } from "./stream/sync/outages.ts";
export {
  type StreamDeadLetter,
  type StreamedRow,
  type StreamWrite,
  streamDeadLetters,
  streamWrites,
} from "./stream/sync/stream-diagnostics.ts";
export { createSync, type Sync, type SyncEvent, type SyncParts } from "./stream/sync/sync.ts";
export { type SyncSettings, streamOf, topicsOf } from "./stream/sync/sync-settings.ts";
export type {
  DeadLetterCount,
  PartitionStatus,
  SyncStatus,
  ViewCounts,
  WriteCounts,
} from "./stream/sync/sync-status.ts";
export type { MaterializeWindow } from "./window.ts";
export { type WriteTarget, writeRows } from "./write-rows.ts";
