import type { Sync, SyncStatus } from "@larder/materializer/stream";
import { Counter, Gauge, Registry } from "prom-client";

const OUTCOMES = ["applied", "duplicate", "stale", "expired", "conflict", "merged", "refused"] as const;

/** A sync's status as Prometheus metrics, taken when they are read. Labels are names from the definitions, topics, partitions and codes. */
export class SyncMetrics {
  readonly #registry = new Registry();
  readonly #status: () => SyncStatus;

  constructor(sync: Pick<Sync, "status">) {
    this.#status = () => sync.status();
    this.#counter(
      "larder_sync_rows_total",
      "Rows of streams, by outcome; conflict counts rows that are also one of the others",
      ["view", "tenant", "status"],
      ({ views }) =>
        views.flatMap((counts) =>
          OUTCOMES.map((status) => [{ view: counts.view, tenant: counts.tenant, status }, counts[status]] as const),
        ),
    );
    this.#counter("larder_sync_dead_letters_total", "Records in the dead letters", ["topic", "code"], (status) =>
      status.deadLetters.map(({ topic, code, count }) => [{ topic, code }, count] as const),
    );
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

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
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

/** What a metric says of a status: labels and value of each sample. */
type Samples<Label extends string> = (
  status: SyncStatus,
) => readonly (readonly [labels: Partial<Record<Label, string | number>>, value: number])[];
