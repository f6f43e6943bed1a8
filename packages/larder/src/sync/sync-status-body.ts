import { type LatencyCounts, latencyQuantile, type SyncStatus, type ViewCounts } from "@larder/materializer/stream";
import { type Definitions, formatTime } from "@larder/schema";

/** What `/status` answers: as other answers, names with underscores, times as ISO text, spans in seconds. */
export interface SyncStatusBody {
  readonly at: string;
  readonly ready: boolean;
  readonly outages: SyncStatus["outages"];
  readonly partitions: readonly PartitionBody[];
  readonly views: readonly ViewBody[];
  readonly dead_letters: readonly DeadLetterBody[];
  readonly unknown_fields: number;
}

interface PartitionBody {
  readonly topic: string;
  readonly partition: number;
  readonly position: bigint | number | null;
  readonly committed: bigint | number | null;
  readonly high_watermark: bigint | number;
  readonly oldest_unsettled: string | null;
  readonly in_flight: { readonly records: number; readonly bytes: number };
  readonly paused: boolean;
}

/** One view and tenant, since the process began. */
export interface ViewBody {
  readonly view: string;
  readonly tenant: string;
  readonly applied: number;
  readonly duplicate: number;
  readonly stale: number;
  readonly expired: number;
  readonly conflict: number;
  readonly merged: number;
  readonly refused: number;
  /** Dead letters that are known to be of it. */
  readonly dead_lettered: number;
  readonly watermark: string | null;
  /** Age of the newest row that was written. */
  readonly age_seconds: number | null;
  /** Age of the oldest event that is read and not in the store. */
  readonly oldest_unprocessed_seconds: number | null;
  readonly event_to_broker: LatencyBody;
  readonly broker_to_readable: LatencyBody;
  readonly event_to_readable: LatencyBody;
  readonly freshness: { readonly objective_seconds: number; readonly rows: number; readonly missed: number } | null;
}

/** Quantiles are upper bounds, in seconds; null where nothing was counted or it took more than a day. */
interface LatencyBody {
  readonly count: number;
  readonly p50_seconds: number | null;
  readonly p99_seconds: number | null;
}

interface DeadLetterBody {
  readonly topic: string;
  readonly code: string;
  readonly view: string | null;
  readonly tenant: string | null;
  readonly count: number;
}

export function syncStatusBody(status: SyncStatus, definitions: Pick<Definitions, "views">): SyncStatusBody {
  const { at, ready, outages, partitions, views, deadLetters, unknownFields } = status;
  return {
    at: formatTime(at),
    ready,
    outages,
    partitions: partitions.map(
      ({ topic, partition, position, committed, highWatermark, oldest, records, bytes, paused }) => ({
        topic,
        partition,
        position: position ?? null,
        committed: committed ?? null,
        high_watermark: highWatermark,
        oldest_unsettled: oldest === undefined ? null : formatTime(oldest),
        in_flight: { records, bytes },
        paused,
      }),
    ),
    views: views.map((counts) => viewBody(counts, status, definitions)),
    dead_letters: deadLetters.map(({ topic, code, view = null, tenant = null, count }) => {
      return { topic, code, view, tenant, count };
    }),
    unknown_fields: unknownFields,
  };
}

function viewBody(
  { lag, oldest, ...counts }: ViewCounts,
  { at, deadLetters }: SyncStatus,
  { views }: Pick<Definitions, "views">,
): ViewBody {
  const { watermark, missed, eventToReadable } = lag;
  const letters = deadLetters.filter(({ view, tenant }) => view === counts.view && tenant === counts.tenant);
  const objective = views.get(counts.view)?.freshness;
  return {
    ...counts,
    dead_lettered: letters.reduce((sum, { count }) => sum + count, 0),
    watermark: watermark === undefined ? null : formatTime(watermark),
    age_seconds: watermark === undefined ? null : (at - watermark) / 1e6,
    oldest_unprocessed_seconds: oldest === undefined ? null : Math.max(0, at - oldest) / 1e6,
    event_to_broker: latencyBody(lag.eventToBroker),
    broker_to_readable: latencyBody(lag.brokerToReadable),
    event_to_readable: latencyBody(eventToReadable),
    freshness:
      objective === undefined || missed === undefined
        ? null
        : { objective_seconds: objective / 1e6, rows: eventToReadable.count, missed },
  };
}

function latencyBody(latencies: LatencyCounts): LatencyBody {
  const seconds = (share: number) => {
    const ms = latencyQuantile(latencies, share);
    return ms === undefined || ms === Number.POSITIVE_INFINITY ? null : ms / 1_000;
  };
  return { count: latencies.count, p50_seconds: seconds(0.5), p99_seconds: seconds(0.99) };
}
