export { createRecordDecoder, type RecordDecoderOptions } from "./decode/record-decoder.ts";
export type { DecodedRecord, DecodedStreamRow, RecordDecoder, Refusal } from "./decoded-record.ts";
export type {
  BatchConsumer,
  EventSource,
  EventSourceCapabilities,
  Generation,
  PartitionOffset,
  RecordBatch,
  StreamRecord,
  TopicPartition,
} from "./event-source.ts";
export {
  openEventSource,
  openRecordSink,
  openStreamAdmin,
} from "./open-stream.ts";
export type { OutgoingRecord, RecordSink } from "./record-sink.ts";
export type { StreamAdmin } from "./stream-admin.ts";
export { DEAD_LETTER_HEADERS, deadLetterTopic } from "./sync/dead-letters.ts";
export type { Dependency, Outage } from "./sync/outages.ts";
export {
  type StreamDeadLetter,
  type StreamedRow,
  type StreamWrite,
  streamDeadLetters,
  streamWrites,
} from "./sync/stream-diagnostics.ts";
export { createSync, type Sync, type SyncEvent, type SyncParts } from "./sync/sync.ts";
export { type SyncSettings, streamOf, topicsOf } from "./sync/sync-settings.ts";
export type {
  DeadLetterCount,
  PartitionStatus,
  SyncStatus,
  ViewCounts,
  WriteCounts,
} from "./sync/sync-status.ts";
