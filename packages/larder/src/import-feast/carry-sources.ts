import { formatDuration } from "@larder/schema";
import { type DraftSource, type DraftStream, described, sorted } from "./draft.ts";
import { type ImportNotes, named } from "./import-notes.ts";
import type { DataSource, Duration } from "./protos/registry_pb.ts";

/** Where a view's rows come from, as far as it can be carried. */
export interface CarriedSources {
  readonly source?: DraftSource;
  readonly stream?: DraftStream;
  readonly push_source?: string;
}

/** What a view says of its rows. */
export interface SourcedView {
  readonly name: string;
  readonly batchSource?: DataSource | undefined;
  readonly streamSource?: DataSource | undefined;
  /** Why its rows are not those of its sources: Feast transforms them on the way. undefined where they are. */
  readonly transformed: string | undefined;
  /** Columns that it reads, times not counted. */
  readonly columns: ReadonlySet<string>;
}

/** Names under which every view takes its times; a feature of such a name is refused by itself. */
const LITERAL_TIMES: readonly string[] = ["event_timestamp", "created"];

/** SourceType of protos/feast/core/DataSource.proto. */
const FILE = 1;
const KAFKA = 3;
const PUSH = 9;

const TYPES: Readonly<Record<number, string>> = {
  0: "of no type",
  2: "BigQuery",
  4: "Kinesis",
  5: "Redshift",
  6: "a custom source",
  7: "request data",
  8: "Snowflake",
  10: "Trino",
  11: "Spark",
  12: "Athena",
  13: "Iceberg",
};

/** Carries the sources of views, and gathers the Kafka brokers that they name. */
export class SourceCarrier {
  readonly #notes: ImportNotes;
  /** Names of the sources that views have, whether or not they could be carried. */
  readonly seen = new Set<string>();
  /** Those of the first stream; a file has one `stream`. */
  brokers: string | undefined;

  constructor(notes: ImportNotes) {
    this.#notes = notes;
  }

  carry(view: SourcedView): CarriedSources {
    const streams = [view.streamSource, view.batchSource].filter((source) => source !== undefined);
    const push = streams.find(({ type }) => type === PUSH);
    const stream = streams.find(({ type }) => type !== PUSH && type !== FILE && type === view.streamSource?.type);
    const batch = [view.batchSource, ...streams.map(({ batchSource }) => batchSource)].find(
      (source) => source !== undefined && source.type !== PUSH && source !== stream,
    );
    if (push !== undefined && Object.keys(described(push)).length > 0) {
      this.#notes.changed(
        named("push source", push.name),
        "loses its description, owner and tags: it is only a name here",
      );
    }
    for (const source of [...streams, ...streams.map(({ batchSource }) => batchSource)]) {
      if (source !== undefined) this.seen.add(source.name);
    }
    if (view.transformed !== undefined) {
      this.#notes.leftOut(`sources of ${named("feature view", view.name)}`, view.transformed);
      return push === undefined ? {} : { push_source: push.name };
    }
    const source = batch === undefined ? undefined : this.#carryBatch(view, batch);
    const carried = stream === undefined ? undefined : this.#carryStream(view, stream);
    return {
      ...(source === undefined ? {} : { source }),
      ...(carried === undefined ? {} : { stream: carried }),
      ...(push === undefined ? {} : { push_source: push.name }),
    };
  }

  #carryBatch(view: SourcedView, source: DataSource): DraftSource | undefined {
    const subject = subjectOf("batch source", source, view);
    const { fileOptions: file } = source;
    if (source.type !== FILE || file === undefined) {
      this.#notes.leftOut(subject, `is ${typeName(source)}; Larder reads Parquet files: export it and add source.path`);
      return undefined;
    }
    if (file.fileFormat?.deltaFormat !== undefined) {
      this.#notes.leftOut(subject, "is a Delta table; Larder reads Parquet files: export it and add source.path");
      return undefined;
    }
    const time = [source.timestampField, source.createdTimestampColumn].find(
      (column) => view.columns.has(column) && !LITERAL_TIMES.includes(column),
    );
    if (time !== undefined) {
      const reason = `has the time column ${JSON.stringify(time)}, also a feature: give it a column of its own and add source.path`;
      this.#notes.leftOut(subject, reason);
      return undefined;
    }
    if (/^(?!file:)[a-z][a-z0-9+.-]*:\/\//i.test(file.uri)) {
      this.#notes.changed(subject, "is in an object store, which materialize does not read yet: copy it to a folder");
    }
    if (file.s3EndpointOverride !== "") this.#notes.changed(subject, "loses its S3 endpoint, which is no key here");
    if (source.datePartitionColumn !== "") {
      this.#notes.changed(subject, "loses its date partition column: DuckDB finds row groups by their statistics");
    }
    if (source.timestampField === "") {
      this.#notes.changed(subject, "names no time column; event_timestamp is taken: correct it if it is another");
    }
    const mapping = mappingOf(source, view.columns);
    return {
      ...described(source),
      path: file.uri.replace(/^file:\/\//, ""),
      ...(source.timestampField === "" ? {} : { timestamp_field: source.timestampField }),
      ...(source.createdTimestampColumn === "" ? {} : { created_timestamp_column: source.createdTimestampColumn }),
      ...(Object.keys(mapping).length === 0 ? {} : { field_mapping: mapping }),
    };
  }

  #carryStream(view: SourcedView, source: DataSource): DraftStream | undefined {
    const subject = subjectOf("stream source", source, view);
    const { kafkaOptions: kafka } = source;
    if (source.type !== KAFKA || kafka === undefined) {
      this.#notes.leftOut(subject, `is ${typeName(source)}; Larder reads streams from Kafka`);
      return undefined;
    }
    if (kafka.messageFormat?.jsonFormat === undefined) {
      this.#notes.leftOut(subject, "is not in JSON: state its format and registry by hand (docs/streams.md)");
      return undefined;
    }
    this.brokers ??= kafka.kafkaBootstrapServers;
    if (this.brokers !== kafka.kafkaBootstrapServers) {
      this.#notes.leftOut(subject, "has other brokers than the first stream, and a file names those of one Kafka");
      return undefined;
    }
    const delay = durationText(kafka.watermarkDelayThreshold);
    if (delay !== undefined && delay !== "none") {
      this.#notes.changed(subject, `loses its watermark delay of ${delay}: a late row counts if it is the newest`);
    }
    const columns = Object.entries(source.fieldMapping);
    const mapping = columns.filter(([, name]) => view.columns.has(name));
    // A stream names the fields of its times as the message has them.
    const fieldOf = (time: string): string => columns.find(([, name]) => name === time)?.[0] ?? time;
    return {
      ...described(source),
      topic: kafka.topic,
      format: "json",
      ...(source.timestampField === "" ? {} : { event_time: fieldOf(source.timestampField) }),
      ...(source.createdTimestampColumn === "" ? {} : { created_time: fieldOf(source.createdTimestampColumn) }),
      ...(mapping.length === 0 ? {} : { field_mapping: sorted(Object.fromEntries(mapping)) }),
    };
  }
}

/** What Feast calls the type of a source, for messages. */
export function typeName(source: DataSource): string {
  return (
    TYPES[source.type] ?? (source.type === KAFKA ? "Kafka" : source.type === FILE ? "a file" : `type ${source.type}`)
  );
}

/** A duration as the file writes it: `none` for zero and less, undefined where there is none at all. */
export function durationText(duration: Duration | undefined): string | undefined {
  if (duration === undefined) return undefined;
  const micros = Number(duration.seconds) * 1e6 + Math.round(duration.nanos / 1000);
  return micros > 0 ? formatDuration(micros) : "none";
}

/** Feast shares sources between views: what this view does not read is for another. */
function mappingOf(source: DataSource, columns: ReadonlySet<string>): Record<string, string> {
  const read = new Set([...columns, source.timestampField, source.createdTimestampColumn]);
  return sorted(Object.fromEntries(Object.entries(source.fieldMapping).filter(([, name]) => read.has(name))));
}

function subjectOf(kind: string, source: DataSource, view: SourcedView): string {
  return source.name === "" ? `${kind} of ${named("feature view", view.name)}` : named(kind, source.name);
}
