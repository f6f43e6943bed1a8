import type { DescMessage } from "@bufbuild/protobuf";
import { type Definitions, LarderError, type StreamFormat, type StreamSource } from "@larder/schema";
import type { DecodedRecord, DecodedStreamRow, RecordDecoder } from "../decoded-record.ts";
import type { StreamRecord, TopicPartition } from "../event-source.ts";
import { CorruptAvro } from "./avro/avro-cursor.ts";
import { readChangeEvent } from "./debezium-format.ts";
import { FRAME_BYTES, schemaIdOf } from "./frame.ts";
import { plainPayload, readJsonFields, readJsonPayload } from "./json-format.ts";
import { isFields, type Payload } from "./payload.ts";
import { hasPath } from "./protobuf/message-fields.ts";
import { openMessage } from "./protobuf/open-message.ts";
import { readProtobuf } from "./protobuf/protobuf-format.ts";
import { keyOfValue, type RecordKey, readKey } from "./record-key.ts";
import { Refused, unreadable } from "./refused.ts";
import { createRegistryClient } from "./registry/ask-registry.ts";
import { SchemaCache } from "./registry/schema-cache.ts";
import { ViewPlan } from "./view-plan.ts";

/** Options of {@link createRecordDecoder}. */
export interface RecordDecoderOptions {
  /** Longest wait for an answer of the schema registry, in milliseconds. Default 5,000. */
  readonly registryTimeoutMs?: number;
  /** Most schemas that are kept. Default 1,000. */
  readonly maxSchemas?: number;
  /** How long a schema id that the registry does not know stays refused without asking again, in microseconds. Default 60 s. */
  readonly unknownSchemaFor?: number;
}

/** Views of one topic that read its records alike. */
interface Reading {
  readonly format: StreamFormat;
  readonly message: DescMessage | undefined;
  /** Values begin with Confluent's frame, which names their schema. */
  readonly framed: boolean;
  readonly plans: readonly ViewPlan[];
  /** First steps of all paths that these views read: what else a message has is unknown. */
  readonly known: readonly string[];
}

interface Topic {
  readonly readings: readonly Reading[];
  readonly limit: number;
}

const DELETION: Payload = { fields: undefined, deleted: true, envelope: undefined, unnamed: 0 };

/**
 * Makes the decoder of every topic that a view of the definitions reads.
 * @throws STREAM_MISCONFIGURED where a descriptor set or a certificate cannot be read, or a message lacks what its view reads
 */
export function createRecordDecoder(definitions: Definitions, options: RecordDecoderOptions = {}): RecordDecoder {
  return new CompiledRecordDecoder(definitions, options);
}

class CompiledRecordDecoder implements RecordDecoder {
  readonly #tenants: Definitions["tenants"];
  readonly #topics: ReadonlyMap<string, Topic>;
  readonly #schemas: SchemaCache | undefined;

  constructor(definitions: Definitions, options: RecordDecoderOptions) {
    const { registryTimeoutMs = 5000, maxSchemas = 1000, unknownSchemaFor = 60_000_000 } = options;
    const registry = definitions.stream?.schemaRegistry;
    this.#tenants = definitions.tenants;
    this.#topics = planTopics(definitions);
    if (registry !== undefined) {
      const client = createRegistryClient(registry, registryTimeoutMs);
      // A record may name two: what was loaded for it must stay until it is read.
      const bounds = { maxSchemas: Math.max(2, maxSchemas), refusedFor: Math.max(1, unknownSchemaFor) };
      this.#schemas = new SchemaCache(client, bounds);
    }
  }

  decode(origin: TopicPartition, record: StreamRecord, now: number): DecodedRecord | Promise<DecodedRecord> {
    const topic = this.#topics.get(origin.topic);
    if (topic === undefined) {
      throw new LarderError("INTERNAL", {
        what: `No feature view reads the topic ${origin.topic}`,
        remedy: "Report this with the definitions",
      });
    }
    const size = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    if (size > topic.limit) {
      const remedy = "Send smaller records, or raise record_limit of the view's stream";
      return refused(
        new Refused("PAYLOAD_TOO_LARGE", "value", `is ${size} bytes with its key (${topic.limit} allowed)`, remedy),
      );
    }
    const missing = this.#missingSchemas(topic, record, now);
    return missing === undefined
      ? this.#decode(origin.topic, topic, record, now)
      : this.#decodeLater(missing, origin, record, now);
  }

  async #decodeLater(missing: readonly number[], origin: TopicPartition, record: StreamRecord, now: number) {
    await Promise.all(missing.map((id) => this.#schemas?.load(id, now)));
    return this.decode(origin, record, now);
  }

  #decode(name: string, { readings }: Topic, record: StreamRecord, now: number): DecodedRecord {
    const rows: DecodedStreamRow[] = [];
    let unknownFields = 0;
    for (let i = 0; i < readings.length; i++) {
      const reading = readings[i]!;
      const payload = this.#payloadOf(reading, record, now);
      if (payload instanceof Refused) return refused(payload, schemaId(reading, record));
      let key: RecordKey | Refused | undefined;
      const read = { topic: name, record, payload, key: () => (key ??= this.#keyOf(reading, record, now)) };
      for (let j = 0; j < reading.plans.length; j++) {
        const plan = reading.plans[j]!;
        const { view } = plan;
        const planned = plan.rowOf(read, now);
        if (planned instanceof Refused) return refused(planned, schemaId(reading, record), view.name);
        if (!this.#tenants.has(planned.tenant)) {
          const remedy = "List it under tenants, or correct the record";
          return refused(
            new Refused("UNKNOWN_TENANT", "tenant", "is none of this store", remedy),
            schemaId(reading, record),
            view.name,
          );
        }
        rows.push({ view, tenant: planned.tenant, row: planned.row });
      }
      unknownFields = Math.max(unknownFields, countUnknown(reading, payload));
    }
    return { ok: true, rows, unknownFields };
  }

  #payloadOf({ format, message, framed }: Reading, { value }: StreamRecord, now: number): Payload | Refused {
    if (value === null) return DELETION;
    switch (format) {
      case "json":
        return readJsonPayload(value);
      case "debezium": {
        const fields = readJsonFields(value, "value");
        return fields instanceof Refused ? fields : readChangeEvent(fields);
      }
      case "protobuf":
        return message === undefined ? DELETION : readProtobuf(message, value, framed);
      case "avro":
      case "debezium_avro": {
        const fields = this.#readAvro(value, "value", now);
        if (fields instanceof Refused) return fields;
        if (!isFields(fields)) return unreadable("value", "is no Avro record", "Register a schema of a record");
        return format === "avro" ? plainPayload(fields) : readChangeEvent(fields);
      }
    }
  }

  #keyOf(reading: Reading, { key }: StreamRecord, now: number): RecordKey | Refused | undefined {
    if (key === null) return undefined;
    if (!isFramedKey(reading, key)) return readKey(key);
    const value = this.#readAvro(key, "key", now);
    return value instanceof Refused ? value : keyOfValue(value);
  }

  #readAvro(bytes: Uint8Array, field: string, now: number): unknown {
    const id = schemaIdOf(bytes, field);
    if (id instanceof Refused) return id;
    const known = this.#schemas?.get(id, now);
    if (known === undefined) {
      throw new LarderError("INTERNAL", {
        what: `The schema ${id} is not loaded`,
        remedy: "Report this with the definitions",
      });
    }
    if (known.read === undefined) return unreadable(field, `names the schema ${id}, which ${known.what}`, known.remedy);
    try {
      return known.read(bytes, FRAME_BYTES);
    } catch (error) {
      if (!(error instanceof CorruptAvro)) throw error;
      return unreadable(field, error.message, "Check that the producer writes by the schema that it names");
    }
  }

  /** Ids that the record names and the registry has not been asked for; undefined where there are none. */
  #missingSchemas({ readings }: Topic, { key, value }: StreamRecord, now: number): number[] | undefined {
    const missing: number[] = [];
    for (let i = 0; i < readings.length; i++) {
      const reading = readings[i]!;
      if (!isAvro(reading.format)) continue;
      for (const bytes of [value, key !== null && isFramedKey(reading, key) ? key : null]) {
        const id = bytes === null ? undefined : schemaIdOf(bytes, "value");
        if (typeof id === "number" && this.#schemas?.get(id, now) === undefined) missing.push(id);
      }
    }
    return missing.length === 0 ? undefined : missing;
  }
}

function planTopics(definitions: Definitions): ReadonlyMap<string, Topic> {
  const streams = new Map<
    string,
    { readonly plan: ViewPlan; readonly stream: StreamSource; readonly message: DescMessage | undefined }[]
  >();
  for (const view of definitions.views.values()) {
    const { stream } = view;
    if (stream === undefined) continue;
    const plan = new ViewPlan(view, stream);
    const message = stream.format === "protobuf" ? openMessage(stream) : undefined;
    if (message !== undefined) checkPaths(message, plan, stream);
    for (const topic of stream.topics) streams.set(topic, [...(streams.get(topic) ?? []), { plan, stream, message }]);
  }
  return new Map(
    [...streams].map(([topic, entries]) => {
      const groups = Map.groupBy(
        entries,
        ({ stream, message }) => `${stream.format} ${message?.typeName ?? ""} ${stream.descriptorSet ?? ""}`,
      );
      const readings = [...groups.values()].map((group): Reading => {
        const plans = group.map(({ plan }) => plan);
        const known = plans.flatMap(({ payloadPaths }) => payloadPaths.map(([first = ""]) => first));
        const { stream, message } = group[0]!;
        const { format } = stream;
        const framed = isAvro(format) || (format === "protobuf" && definitions.stream?.schemaRegistry !== undefined);
        return { format, message, framed, plans, known: [...new Set(known)] };
      });
      return [topic, { readings, limit: Math.min(...entries.map(({ stream }) => stream.recordLimit)) }];
    }),
  );
}

function checkPaths(
  message: DescMessage,
  { view, payloadPaths }: ViewPlan,
  { place, descriptorSet }: StreamSource,
): void {
  const missing = payloadPaths.find((path) => !hasPath(message, path));
  if (missing === undefined || (view.partialRows === "absent" && view.featureByName.has(missing.join(".")))) return;
  throw new LarderError("STREAM_MISCONFIGURED", {
    what: `${place}: the message "${message.typeName}" has no field "${missing.join(".")}", which the view "${view.name}" reads`,
    remedy: "Name the field under field_mapping, or make the descriptor set anew",
    facts: { place, file: descriptorSet, field: missing.join(".") },
  });
}

function isAvro(format: StreamFormat): boolean {
  return format === "avro" || format === "debezium_avro";
}

/** Keys beside Avro values are framed, too, or plain text: none that is plain begins with a zero byte. */
function isFramedKey(reading: Reading, key: Uint8Array): boolean {
  return isAvro(reading.format) && key[0] === 0;
}

function schemaId({ framed }: Reading, { value }: StreamRecord): number | undefined {
  if (value === null || !framed) return undefined;
  const id = schemaIdOf(value, "value");
  return id instanceof Refused ? undefined : id;
}

function refused({ code, field, what, remedy }: Refused, id?: number, view?: string): DecodedRecord {
  const subject = view === undefined ? `The record's ${field}` : `Feature view "${view}": ${field}`;
  const refusal = { code, field, message: `${subject} ${what}. ${remedy}.` };
  const schema = id === undefined ? {} : { schemaId: id };
  return { ok: false, refused: { ...refusal, ...schema, ...(view === undefined ? {} : { view }) } };
}

function countUnknown({ known }: Reading, { fields, unnamed, deleted }: Payload): number {
  if (fields === undefined || deleted) return unnamed;
  let count = Object.keys(fields).length + unnamed;
  for (let i = 0; i < known.length; i++) if (fields[known[i]!] !== undefined) count--;
  return count;
}
