export { createPace, type Pace } from "../pace.ts";
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
export type { Letter, LetterReason } from "./letters/letter.ts";
export type { LetterParts, LetterProgress, LetterRequest } from "./letters/letter-box.ts";
export type { LetterFilter } from "./letters/letter-filter.ts";
export { type LetterGroup, type LetterList, listLetters } from "./letters/list-letters.ts";
export { type PurgeReport, purgeLetters } from "./letters/purge-letters.ts";
export { type LetterReplayReport, type LetterReplayRequest, replayLetters } from "./letters/replay-letters.ts";
export { showLetter } from "./letters/show-letter.ts";
export {
  openEventSource,
  openRecordSink,
  openStreamAdmin,
} from "./open-stream.ts";
export type { OutgoingRecord, RecordSink } from "./record-sink.ts";
export {
  moveGroup,
  type PartitionStart,
  planStart,
  planWindow,
  type StartPlan,
  type StartRequest,
  type WindowRequest,
} from "./start/plan-start.ts";
export { type ReplayParts, type ReplayReport, type ReplayRequest, replay } from "./start/replay.ts";
export { parseStartPosition, type StartPosition } from "./start/start-position.ts";
export type { GroupMember, StreamAdmin } from "./stream-admin.ts";
export { DEAD_LETTER_HEADERS, deadLetterTopic } from "./sync/dead-letters.ts";
export { LATENCY_EDGES_MS, type LatencyCounts, latencyQuantile, sumLatencies } from "./sync/latencies.ts";
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
export type { ViewLagStatus } from "./sync/view-lag.ts";
