import avsc from "avsc";
import { expect, test } from "vitest";
import { decoderOf, refusalOf, rowsOf, type Sketch } from "./fixture.ts";
import { framed, startRegistry } from "./registry-server.ts";

// The events of "Debezium connector for PostgreSQL: Data change events" in Debezium's documentation, in their shapes; times and values are others.
const SOURCE = {
  version: "3.0.0.Final",
  connector: "postgresql",
  name: "PostgreSQL_server",
  ts_ms: 1_700_000_000_123,
  ts_us: 1_700_000_000_123_456,
  ts_ns: 1_700_000_000_123_456_000,
  snapshot: "false",
  db: "postgres",
  sequence: '["24023119","24023128"]',
  schema: "public",
  table: "customers",
  txId: 555,
  lsn: 24_023_128,
  xmin: null,
};
const ANNE = { id: 1, first_name: "Anne", last_name: "Marie", email: "annek@noanswer.org", updated: 1_699_999_999_000 };

/** An event's payload. Debezium's own clock is half a second later than the database's. */
function event(op: string, before: object | null, after: object | null, source: object = SOURCE) {
  return {
    before,
    after,
    source,
    transaction: null,
    op,
    ts_ms: 1_700_000_000_623,
    ts_us: 1_700_000_000_623_000,
    ts_ns: 1_700_000_000_623_000_000,
  };
}

/** What the JSON converter writes with schemas.enable. */
function withSchema(payload: unknown) {
  return {
    schema: { type: "struct", optional: false, name: "PostgreSQL_server.inventory.customers.Envelope", fields: [] },
    payload,
  };
}

const STREAM = 'topic: t, format: debezium, event_time: "envelope:source.ts_us"';

function customers(sketch: Sketch = {}) {
  return decoderOf({ stream: STREAM, features: "{ name: email, type: string }", ...sketch });
}

test.each([
  ["create", event("c", null, ANNE)],
  ["update", event("u", { ...ANNE, email: "old" }, ANNE)],
  ["update without the row before", event("u", null, ANNE)],
  ["read by a snapshot", event("r", null, ANNE, { ...SOURCE, snapshot: "true" })],
  ["create with its schema", withSchema(event("c", null, ANNE))],
])("%s brings the row after the change, at the database's time", (_name, value) => {
  expect(rowsOf(customers().now({ value }))).toMatchObject([
    { entityKey: [1n], eventTime: 1_700_000_000_123_456, values: ["annek@noanswer.org"] },
  ]);
});

test.each([
  ["delete", event("d", ANNE, null), undefined],
  ["delete with its schema", withSchema(event("d", ANNE, null)), undefined],
  [
    "delete of which only the primary key is known",
    event("d", { ...ANNE, first_name: null, last_name: null, email: null, updated: null }, null),
    undefined,
  ],
  [
    "delete without the row before, by its key",
    event("d", null, null),
    { schema: { type: "struct" }, payload: { id: 1 } },
  ],
])("%s is a tombstone at the database's time", (_name, value, key) => {
  const sent = { value, key: key === undefined ? null : JSON.stringify(key) };
  expect(rowsOf(customers().now(sent))).toMatchObject([
    { entityKey: [1n], eventTime: 1_700_000_000_123_456, values: undefined },
  ]);
});

test("the tombstone that follows a delete is one, too, with or without a schema", () => {
  for (const value of [null, { schema: null, payload: null }]) {
    const sent = { key: '{"schema":{},"payload":{"id":1}}', value, timestamp: 1_700_000_000_700 };
    expect(rowsOf(customers().now(sent))).toMatchObject([
      { entityKey: [1n], eventTime: 1.7000000007e15, values: undefined },
    ]);
  }
});

test.each([
  ["source.ts_ms", 1_700_000_000_123_000],
  ["source.ts_us", 1_700_000_000_123_456],
  ["ts_ms", 1_700_000_000_623_000],
  ["ts_us", 1_700_000_000_623_000],
])("the event time may be envelope:%s", (field, eventTime) => {
  const stream = `topic: t, format: debezium, event_time: "envelope:${field}"`;
  expect(rowsOf(customers({ stream }).now({ value: event("c", null, ANNE) }))).toMatchObject([{ eventTime }]);
});

test("with a column as event time, a deletion has the later of the change's time and the row's", () => {
  const stream = "topic: t, format: debezium, event_time: updated";
  const { now } = customers({ stream });
  expect(rowsOf(now({ value: event("u", null, ANNE) }))).toMatchObject([{ eventTime: 1_699_999_999_000_000 }]);
  expect(rowsOf(now({ value: event("d", ANNE, null) }))).toMatchObject([{ eventTime: 1_700_000_000_123_000 }]);
  const ahead = { ...ANNE, updated: 1_700_000_000_500 };
  expect(rowsOf(now({ value: event("d", ahead, null) }))).toMatchObject([{ eventTime: 1_700_000_000_500_000 }]);
  expect(rowsOf(now({ value: event("d", { id: 1 }, null) }))).toMatchObject([{ eventTime: 1_700_000_000_123_000 }]);
});

test("columns that no view reads are counted, those of the envelope are not", () => {
  expect(customers().now({ value: event("c", null, ANNE) })).toMatchObject({ unknownFields: 3 });
});

test.each<[string, unknown, string, string]>([
  ["a truncation", event("t", null, null), "RECORD_INVALID", "op"],
  ["a message of the log", event("m", null, null), "RECORD_INVALID", "op"],
  ["an update without a row", event("u", ANNE, null), "RECORD_INVALID", "after"],
  ["a plain row", ANNE, "RECORD_UNREADABLE", "op"],
  [
    "a row whose large value did not change",
    event("u", null, { ...ANNE, email: "__debezium_unavailable_value" }),
    "RECORD_INVALID",
    "email",
  ],
  [
    "no time of the source",
    event("c", null, ANNE, { ...SOURCE, ts_us: undefined }),
    "RECORD_INVALID",
    "envelope:source.ts_us",
  ],
  [
    "a time that is none",
    event("c", null, ANNE, { ...SOURCE, ts_us: "now" }),
    "RECORD_INVALID",
    "envelope:source.ts_us",
  ],
  [
    "nanoseconds",
    event("c", null, ANNE, { ...SOURCE, ts_us: SOURCE.ts_ns }),
    "RECORD_INVALID",
    "envelope:source.ts_us",
  ],
  ["a delete of nobody", event("d", null, null), "RECORD_INVALID", "key"],
])("refused: %s", (_name, value, code, field) => {
  expect(refusalOf(customers().now({ value: value as object }))).toMatchObject({ code, field });
});

test("change events in Avro, keys among them", async () => {
  const row = {
    type: "record",
    name: "Value",
    fields: [
      { name: "id", type: "int" },
      { name: "email", type: ["null", "string"] },
    ],
  };
  const envelope = {
    type: "record",
    name: "Envelope",
    namespace: "server.public.customers",
    fields: [
      { name: "before", type: ["null", row] },
      { name: "after", type: ["null", "Value"] },
      { name: "source", type: { type: "record", name: "Source", fields: [{ name: "ts_us", type: ["null", "long"] }] } },
      { name: "op", type: "string" },
    ],
  };
  const key = {
    type: "record",
    name: "Key",
    namespace: "server.public.customers",
    fields: [{ name: "id", type: "int" }],
  };
  await using registry = await startRegistry();
  registry.ids.set(1, { schema: JSON.stringify(key) });
  registry.ids.set(2, { schema: JSON.stringify(envelope) });
  const stream = STREAM.replace("debezium", "debezium_avro");
  const { decode } = customers({ stream, registry: `{ url: "${registry.url}" }` });
  const write = (op: string, before: object | null, after: object | null) =>
    framed(
      2,
      avsc.Type.forSchema(envelope as avsc.Schema, { wrapUnions: false }).toBuffer({
        before,
        after,
        op,
        source: { ts_us: 1_700_000_000_123_456 },
      }),
    );
  const sent = { key: framed(1, avsc.Type.forSchema(key as avsc.Schema).toBuffer({ id: 1 })) };
  const anne = { id: 1, email: "annek@noanswer.org" };
  expect(rowsOf(await decode({ ...sent, value: write("c", null, anne) }))).toMatchObject([
    { eventTime: 1_700_000_000_123_456, values: [anne.email] },
  ]);
  expect(registry.requests).toEqual(["/schemas/ids/2", "/schemas/ids/1"]);
  expect(rowsOf(await decode({ ...sent, value: write("d", null, null) }))).toMatchObject([
    { entityKey: [1n], values: undefined },
  ]);
  expect(rowsOf(await decode({ ...sent, value: null }))).toMatchObject([{ entityKey: [1n], values: undefined }]);
});
