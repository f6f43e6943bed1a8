import type { Sync, SyncStatus } from "@larder/materializer/stream";
import type { Definitions } from "@larder/schema";
import { Counter, Gauge, Registry } from "prom-client";
import { BoundedViews } from "./bounded-views.ts";
import { latencyText } from "./latency-metrics.ts";

const OUTCOMES = ["applied", "duplicate", "stale", "expired", "conflict", "merged", "refused"] as const;

/** A sync's status as Prometheus metrics, taken when they are read. Labels are names from the definitions, topics, partitions and codes. */
export class SyncMetrics {
  readonly #registry = new Registry();
  readonly #status: () => SyncStatus;

  constructor(sync: Pick<Sync, "status">, definitions: Pick<Definitions, "views">) {
    const bounded = new BoundedViews();
    this.#status = () => {
      const status = sync.status();
      return { ...status, views: bounded.of(status.views) };
    };
    this.#counter(
      "larder_sync_rows_total",
      "Rows of streams, by outcome; conflict counts rows that are also one of the others",
      ["view", "tenant", "status"],
      ({ views }) =>
        views.flatMap((counts) =>
          OUTCOMES.map((status) => [{ view: counts.view, tenant: counts.tenant, status }, counts[status]] as const),
        ),
    );
    this.#counter(
      "larder_sync_dead_letters_total",
      "Records in the dead letters; the view where it is known",
      ["topic", "code", "view"],
      ({ deadLetters }) => deadLetters.map(({ topic, code, view = "", count }) => [{ topic, code, view }, count]),
    );
    this.#lag(definitions);
    this.#counter("larder_sync_unknown_fields_total", "Fields of records that no view reads", [], (status) => [
      [{}, status.unknownFields],
    ]);
    this.#gauge("larder_sync_ready", "1 when it reads and nothing that it needs is away", [], ({ ready }) => [
      [{}, Number(ready)],
    ]);
    const ofPartition = ["topic", "partition"] as const;
    this.#gauge("larder_sync_in_flight_records", "Records on their way", ofPartition, ({ partitions }) =>
      partitions.map(({ topic, partition, records }) => [{ topic, partition }, records] as const),
    );
    this.#gauge("larder_sync_in_flight_bytes", "Bytes of them", ofPartition, ({ partitions }) =>
      partitions.map(({ topic, partition, bytes }) => [{ topic, partition }, bytes] as const),
    );
    this.#gauge("larder_sync_lag_records", "Records that are not committed yet", ofPartition, ({ partitions }) =>
      partitions.flatMap(({ topic, partition, committed, highWatermark }) =>
        committed === undefined ? [] : [[{ topic, partition }, Number(highWatermark - committed)] as const],
      ),
    );
  }

  #lag({ views: defined }: Pick<Definitions, "views">): void {
    const ofView = ["view", "tenant"] as const;
    this.#gauge(
      "larder_sync_oldest_unprocessed_seconds",
      "Age of the oldest event that is read and not in the store; 0 when there is none",
      ofView,
      ({ at, views }) => views.map(({ view, tenant, oldest = at }) => [{ view, tenant }, secondsSince(oldest, at)]),
    );
    this.#gauge(
      "larder_sync_watermark_timestamp_seconds",
      "The latest event time that was written, of the epoch",
      ofView,
      ({ views }) =>
        views.flatMap(({ view, tenant, lag: { watermark } }) =>
          watermark === undefined ? [] : [[{ view, tenant }, watermark / 1e6] as const],
        ),
    );
    this.#gauge("larder_freshness_objective_seconds", "The view's freshness", ["view"], () =>
      [...defined.values()].flatMap(({ name, stream, freshness }) =>
        stream === undefined || freshness === undefined ? [] : [[{ view: name }, freshness / 1e6] as const],
      ),
    );
    this.#gauge("larder_freshness_age_seconds", "Age of the newest row that was written", ofView, ({ at, views }) =>
      views.flatMap(({ view, tenant, lag: { watermark } }) =>
        watermark === undefined ? [] : [[{ view, tenant }, secondsSince(watermark, at)] as const],
      ),
    );
    const judged = ({ views }: SyncStatus) =>
      views.flatMap(({ view, tenant, lag: { missed, eventToReadable } }) =>
        missed === undefined ? [] : [{ labels: { view, tenant }, missed, rows: eventToReadable.count }],
      );
    this.#counter(
      "larder_freshness_rows_total",
      "Rows that became readable, of views with a freshness",
      ofView,
      (status) => judged(status).map(({ labels, rows }) => [labels, rows]),
    );
    this.#counter(
      "larder_freshness_missed_total",
      "Of these: later after their event than the view's freshness",
      ofView,
      (status) => judged(status).map(({ labels, missed }) => [labels, missed]),
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${latencyText(this.#status().views)}`;
  }

  #counter<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    samples: Samples<Label>,
  ): void {
    const status = this.#status;
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [labels, value] of samples(status())) this.inc(labels, value);
      },
    });
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    samples: Samples<Label>,
  ): void {
    const status = this.#status;
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [labels, value] of samples(status())) this.set(labels, value);
      },
    });
  }
}

function secondsSince(time: number, now: number): number {
  return Math.max(0, now - time) / 1e6;
}

/** What a metric says of a status: labels and value of each sample. */
type Samples<Label extends string> = (
  status: SyncStatus,
) => readonly (readonly [labels: Partial<Record<Label, string | number>>, value: number])[];
