import {
  definitionName,
  listOf,
  mapOf,
  oneOf,
  optional,
  recordField,
  required,
  section,
  size,
  text,
  withDefault,
} from "./schema-key.ts";

/** A view's `stream`: which records feed it, and where in a record each part of a row is. */
export const viewStream = section(
  {
    topic: optional(
      text,
      "Kafka topic; {tenant} stands for each tenant's name, and then the topic says whose rows they are.",
      "see topics",
    ),
    topics: optional(listOf(text, 1), "Several topics in place of one.", "the one topic"),
    format: withDefault(
      oneOf("json", "avro", "protobuf", "debezium", "debezium_avro"),
      "Format of the records: debezium is change events in JSON, debezium_avro the same in Avro.",
      "json",
    ),
    descriptor_set: optional(
      text,
      "format: protobuf only. File of a FileDescriptorSet, as `protoc --include_imports -o` writes it; relative to the folder of feature_store.yaml.",
      "needed with protobuf",
    ),
    message: optional(
      text,
      "format: protobuf only. Full name of the message, as in shop.v1.Order.",
      "needed with protobuf",
    ),
    event_time: withDefault(
      recordField,
      "The event time: a field (a.b for a nested one), header:NAME, key:FIELD, record:timestamp, or for Debezium envelope:source.ts_ms, envelope:ts_ms and the same with ts_us.",
      "event_timestamp",
    ),
    created_time: optional(recordField, "The created time, in the same words.", "the record's own timestamp"),
    join_keys_from: withDefault(
      oneOf("payload", "key", "headers"),
      "Where the join keys are: in the payload, in the record's key (an object of them, or the bare value where there is one), or in headers of their names.",
      "payload",
    ),
    tenant_field: optional(
      recordField,
      "What names the row's tenant: a field, header:NAME or key:FIELD.",
      "the tenant of the topic, or else default",
    ),
    field_mapping: withDefault(
      mapOf(definitionName),
      "Field of the message (a.b for a nested one) -> its name in the view.",
      {},
    ),
    record_limit: withDefault(size, "Largest record: its key and value together.", "10MB"),
  },
  "The view's rows in motion (see streams.md).",
);

/** `stream.schema_registry`. */
export const schemaRegistry = section(
  {
    url: required(text, "Its address, as https://host:port."),
    username: optional(text, "User of basic authentication.", "no authentication"),
    password: optional(text, "The user's password.", "no authentication"),
    ca: optional(
      text,
      "Certificates in PEM of who signed the registry's; relative to the folder of feature_store.yaml.",
      "those that Node trusts",
    ),
  },
  "The registry of the schemas that Avro records name, in Confluent's API.",
);
