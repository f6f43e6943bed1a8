import { isLarderError } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decoderOf, definitionsOf, NOW, NOW_TEXT, refusalOf, rowsOf, type Sent } from "./fixture.ts";

const ROW = { id: 7, amount: 1.5, plan: "basic", event_timestamp: NOW_TEXT };

test("a JSON record is a row; its created time is the record's own, fields that no view reads are counted", () => {
  const decoded = decoderOf().now({ value: { ...ROW, colour: "red", size: null }, timestamp: 1_700_000_000_123 });
  expect(rowsOf(decoded)).toEqual([
    {
      view: "v",
      tenant: "default",
      entityKey: [7n],
      eventTime: NOW,
      createdTime: 1_700_000_000_123_000,
      values: [1.5, "basic"],
    },
  ]);
  expect(decoded).toMatchObject({ unknownFields: 2 });
});

test("integers beyond 2^53 stay exact", () => {
  const value = `{"id":9223372036854775807,"amount":1,"plan":null,"event_timestamp":${NOW / 1000}}`;
  expect(rowsOf(decoderOf().now({ value }))).toMatchObject([{ entityKey: [2n ** 63n - 1n], values: [1, null] }]);
});

test("fields are mapped, nested ones among them; a parent that is null makes null", () => {
  const { now } = decoderOf({
    stream: "topic: t, event_time: meta.at, created_time: meta.made, field_mapping: { order.total: amount, who: id }",
  });
  const meta = { at: NOW / 1000, made: NOW_TEXT };
  const decoded = now({ value: { who: 3, order: { total: 2, tax: 1 }, plan: "x", meta, amount: 99 } });
  expect(rowsOf(decoded)).toMatchObject([{ entityKey: [3n], eventTime: NOW, createdTime: NOW, values: [2, "x"] }]);
  expect(decoded).toMatchObject({ unknownFields: 1 });
  expect(rowsOf(now({ value: { who: 3, order: null, plan: "x", meta } }))).toMatchObject([{ values: [null, "x"] }]);
  const through = refusalOf(now({ value: { who: 3, order: 5, plan: "x", meta } }));
  expect(through).toMatchObject({ code: "RECORD_INVALID", field: "order.total" });
});

test.each<[string, string, Sent]>([
  ["an object", "topic: t, join_keys_from: key", { key: '{"id":7}' }],
  ["an object in Connect's wrapper", "topic: t, join_keys_from: key", { key: '{"schema":{},"payload":{"id":7}}' }],
  [
    "an object with a name of its own",
    "topic: t, join_keys_from: key, field_mapping: { customer.no: id }",
    { key: '{"customer":{"no":7}}' },
  ],
  ["a bare value", "topic: t, join_keys_from: key", { key: "7" }],
  ["headers", "topic: t, join_keys_from: headers", { headers: { id: "7" } }],
])("join keys come from the record's key or headers: %s", (_name, stream, sent) => {
  const { id: _, ...value } = ROW;
  expect(rowsOf(decoderOf({ stream }).now({ ...sent, value }))).toMatchObject([
    { entityKey: [7n], values: [1.5, "basic"] },
  ]);
});

test.each<[string, string, Uint8Array | string, unknown]>([
  ["string", "abc", "abc", "abc"],
  ["string", "quoted", '"7"', "7"],
  ["string", "digits", "7", "7"],
  ["bytes", "bytes", Buffer.from([0, 255]), new Uint8Array([0, 255])],
  ["int32", "whole number", "-7", -7],
  ["int64", "beyond 2^53", "9007199254740993", 9_007_199_254_740_993n],
  ["unix_timestamp", "seconds", "1700000000", 1_700_000_000n],
])("a bare key of type %s: %s", (type, _name, key, expected) => {
  const { now } = decoderOf({ keys: `{ name: id, type: ${type} }` });
  const [row] = rowsOf(now({ key, value: null }));
  expect(row?.values).toBeUndefined();
  expect(Array.from(row?.entityKey ?? [], (part) => (part instanceof Uint8Array ? [...part] : part))).toEqual([
    expected instanceof Uint8Array ? [...expected] : expected,
  ]);
});

test("a record without a value deletes its key's entity at the record's timestamp", () => {
  const sent = { key: '{"id":7}', value: null, timestamp: 1_700_000_000_000, headers: { at: NOW_TEXT } };
  for (const stream of ["topic: t", "topic: t, join_keys_from: key", 'topic: t, event_time: "header:at"']) {
    expect(rowsOf(decoderOf({ stream }).now(sent)), stream).toEqual([
      { view: "v", tenant: "default", entityKey: [7n], eventTime: 1.7e15, createdTime: 1.7e15, values: undefined },
    ]);
  }
});

test("a composite key needs an object", () => {
  const { now } = decoderOf({ keys: "{ name: id, type: int64 }, { name: shop, type: string }" });
  expect(rowsOf(now({ key: '{"shop":"a","id":7}', value: null }))).toMatchObject([{ entityKey: [7n, "a"] }]);
  expect(refusalOf(now({ key: "7", value: null }))).toMatchObject({ code: "RECORD_INVALID", field: "key" });
});

test.each<[string, string, Sent]>([
  ["a field", "topic: t, tenant_field: org.name", { value: { ...ROW, org: { name: "acme" } } }],
  ["a header", 'topic: t, tenant_field: "header:tenant"', { value: ROW, headers: { tenant: "acme" } }],
  ["the key", 'topic: t, tenant_field: "key:org"', { value: ROW, key: '{"org":"acme"}' }],
  ["the topic", 'topic: "t.{tenant}"', { value: ROW, topic: "t.acme" }],
])("the tenant comes from %s", (_name, stream, sent) => {
  expect(rowsOf(decoderOf({ stream }).now(sent))).toMatchObject([{ tenant: "acme", entityKey: [7n] }]);
});

test("a tombstone takes a tenant field from its key", () => {
  const { now } = decoderOf({ stream: "topic: t, tenant_field: org" });
  expect(rowsOf(now({ key: '{"id":7,"org":"acme"}', value: null }))).toMatchObject([
    { tenant: "acme", values: undefined },
  ]);
  expect(refusalOf(now({ key: '{"id":7}', value: null }))).toMatchObject({ code: "RECORD_INVALID", field: "org" });
});

test.each<[string, string, unknown, Sent["headers"], number]>([
  ["text", "topic: t", NOW_TEXT, {}, NOW],
  ["milliseconds", "topic: t", NOW / 1000, {}, NOW],
  ["header with text", 'topic: t, event_time: "header:at"', undefined, { at: "2026-01-31T13:00:00+01:00" }, NOW],
  ["header with digits", 'topic: t, event_time: "header:at"', undefined, { at: String(NOW / 1000) }, NOW],
  ["the record", 'topic: t, event_time: "record:timestamp"', undefined, {}, 1_700_000_000_000_000],
])("the event time comes from %s", (_name, stream, time, headers, expected) => {
  const sent = { value: { ...ROW, event_timestamp: time }, headers: headers ?? {}, timestamp: 1_700_000_000_000 };
  expect(rowsOf(decoderOf({ stream }).now(sent))).toMatchObject([{ eventTime: expected }]);
});

test.each([
  ["s", NOW / 1e6],
  ["ms", NOW / 1e3],
  ["us", NOW],
])("numbers count in the view's unit: %s", (unit, time) => {
  const { now } = decoderOf({ view: `time_unit: ${unit}` });
  expect(rowsOf(now({ value: { ...ROW, event_timestamp: time } }))).toMatchObject([{ eventTime: NOW }]);
});

test("a created time that the message lacks is the record's; a record without any has none", () => {
  const { now } = decoderOf({ stream: "topic: t, created_time: made" });
  expect(rowsOf(now({ value: { ...ROW, made: null }, timestamp: 5 }))).toMatchObject([{ createdTime: 5000 }]);
  expect(rowsOf(now({ value: ROW, timestamp: -1 }))).toMatchObject([{ createdTime: undefined }]);
});

test("a record feeds every view of its topic; one that refuses it refuses it for all", () => {
  const more = `
  - name: w
    entity: e
    features: [{ name: plan, type: string }]
    stream: { topics: [t, u] }`;
  const { now } = decoderOf({ more });
  const both = now({ value: { ...ROW, extra: 1 } });
  expect(rowsOf(both).map(({ view, values }) => [view, values])).toEqual([
    ["v", [1.5, "basic"]],
    ["w", ["basic"]],
  ]);
  expect(both).toMatchObject({ unknownFields: 1 });
  expect(rowsOf(now({ topic: "u", value: ROW }))).toMatchObject([{ view: "w" }]);
  expect(refusalOf(now({ value: { ...ROW, amount: "much" } })).message).toBe(
    'Feature view "v": amount is text, not a number. Send a number.',
  );
});

test("a missing feature is refused, or absent where the view says so", () => {
  const { plan: _, ...value } = ROW;
  expect(refusalOf(decoderOf().now({ value }))).toMatchObject({ code: "RECORD_INVALID", field: "plan" });
  const { now } = decoderOf({ view: "partial_rows: absent" });
  expect(rowsOf(now({ value }))).toMatchObject([{ values: [1.5, undefined] }]);
});

/** Each with a value in it that no message may tell. */
const BAD: readonly [name: string, code: string, field: string, sent: Sent][] = [
  ["no JSON", "RECORD_UNREADABLE", "value", { value: "hunter2" }],
  ["half of it", "RECORD_UNREADABLE", "value", { value: '{"id":7,"plan":"hunter2' }],
  ["no object", "RECORD_UNREADABLE", "value", { value: '"hunter2"' }],
  ["no UTF-8", "RECORD_UNREADABLE", "value", { value: Buffer.from([123, 255]) }],
  ["nothing", "RECORD_UNREADABLE", "value", { value: "" }],
  ["a key twice", "RECORD_UNREADABLE", "value", { value: '{"hunter2":1,"hunter2":2}' }],
  ["a key of prototypes", "RECORD_UNREADABLE", "value", { value: '{"__proto__":"hunter2"}' }],
  ["too deep", "RECORD_UNREADABLE", "value", { value: "[".repeat(40) }],
  ["a number that overflows", "RECORD_INVALID", "value", { value: '{"id":1e400}' }],
  [
    "an int64 that overflows",
    "RECORD_INVALID",
    "id",
    { value: '{"id":9223372036854775808,"amount":1,"plan":"a","event_timestamp":1}' },
  ],
  ["no key", "RECORD_INVALID", "id", { value: { ...ROW, id: undefined } }],
  ["a null key", "RECORD_INVALID", "id", { value: { ...ROW, id: null } }],
  ["a key of another type", "RECORD_INVALID", "id", { value: { ...ROW, id: "hunter2" } }],
  ["a tombstone without a key", "RECORD_INVALID", "key", { value: null }],
  ["a tombstone with a broken key", "RECORD_UNREADABLE", "key", { value: null, key: '{"id":hunter2' }],
  ["a tombstone of another key", "RECORD_INVALID", "id", { value: null, key: "hunter2" }],
  ["a tombstone without a time", "RECORD_INVALID", "record:timestamp", { value: null, key: "7", timestamp: -1 }],
  ["no time", "RECORD_INVALID", "event_timestamp", { value: { ...ROW, event_timestamp: undefined } }],
  ["a null time", "RECORD_INVALID", "event_timestamp", { value: { ...ROW, event_timestamp: null } }],
  ["a time in nanoseconds", "RECORD_INVALID", "event_timestamp", { value: { ...ROW, event_timestamp: NOW * 1000 } }],
  ["a time in microseconds", "RECORD_INVALID", "event_timestamp", { value: { ...ROW, event_timestamp: NOW } }],
  [
    "the year 50000",
    "RECORD_INVALID",
    "event_timestamp",
    { value: { ...ROW, event_timestamp: "+050000-01-01T00:00:00Z" } },
  ],
  ["the 30th of February", "RECORD_INVALID", "event_timestamp", { value: { ...ROW, event_timestamp: "2026-02-30" } }],
  ["a time ahead", "RECORD_INVALID", "event_timestamp", { value: { ...ROW, event_timestamp: "2026-01-31T13:00:01Z" } }],
  [
    "text that is no Unicode",
    "RECORD_INVALID",
    "plan",
    { value: '{"id":7,"amount":1,"plan":"hunter2\\ud800","event_timestamp":1}' },
  ],
  ["a list", "RECORD_INVALID", "plan", { value: { ...ROW, plan: ["hunter2"] } }],
];

test.each(BAD)("refused without its values: %s", (_name, code, field, sent) => {
  const refusal = refusalOf(decoderOf().now(sent));
  expect(refusal).toMatchObject({ code, field });
  expect(refusal.message).toMatch(/^.* .*\. .*\.$/);
  expect(refusal.message).not.toMatch(/hunter2|1769860800/);
});

test("an unknown tenant and a record beyond the limit have codes of their own", () => {
  const { now } = decoderOf({ stream: "topic: t, tenant_field: org, record_limit: 1kB" });
  const unknown = refusalOf(now({ value: { ...ROW, org: "hunter2" } }));
  expect(unknown).toMatchObject({ code: "UNKNOWN_TENANT", field: "tenant" });
  expect(unknown.message).not.toContain("hunter2");
  for (const org of [undefined, null, "", 5]) {
    expect(refusalOf(now({ value: { ...ROW, org } }))).toMatchObject({ code: "RECORD_INVALID", field: "org" });
  }
  const big = { value: { ...ROW, org: "acme", plan: "x".repeat(900) } };
  expect(rowsOf(now(big))).toHaveLength(1);
  expect(refusalOf(now({ ...big, key: "y".repeat(100) }))).toMatchObject({ code: "PAYLOAD_TOO_LARGE", field: "value" });
});

test("no bytes make the decoder throw, and no refusal tells a value", () => {
  const { now } = decoderOf({
    stream: 'topic: t, join_keys_from: key, tenant_field: "header:tenant", event_time: at.time',
  });
  const secret = "5ecre7";
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text)),
    fc
      .record({
        id: anything(secret),
        amount: anything(secret),
        plan: anything(secret),
        at: fc.record({ time: anything(secret) }),
      })
      .map((row) => Buffer.from(JSON.stringify(row))),
  );
  const record = fc.record({
    key: fc.option(part),
    value: fc.option(part),
    timestamp: fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
    headers: fc.oneof(fc.constant({}), fc.constant({ tenant: "acme" }), fc.constant({ tenant: secret })),
  });
  fc.assert(
    fc.property(record, (sent) => {
      const decoded = now(sent);
      if (!decoded.ok) expect(decoded.refused.message).not.toContain(secret);
    }),
    propertySettings(500),
  );
});

function anything(secret: string): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.constant(secret),
    fc.constant(`2026-01-01 ${secret}`),
    fc.constant([secret]),
    fc.constant({ [secret]: secret }),
    fc.constantFrom<unknown>(null, 7, 1.5, true, NOW / 1000, NOW_TEXT),
  );
}

test("rows of random values come out as they went in", () => {
  const types = ["int32", "int64", "float64", "bool", "string", "list<string>"];
  const { now } = decoderOf({ features: types.map((type, i) => `{ name: f${i}, type: ${type} }`).join(", ") });
  const text = fc.string({ unit: "binary" }).filter((each) => each.isWellFormed());
  const row = fc.tuple(
    fc.maxSafeInteger(),
    fc.option(fc.integer()),
    fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.option(fc.boolean()),
    fc.option(text),
    fc.option(fc.array(text)),
  );
  fc.assert(
    fc.property(row, ([id, ...values]) => {
      const fields = values.map((value, i) => `"f${i}":${typeof value === "bigint" ? value : JSON.stringify(value)}`);
      const decoded = now({ value: `{"id":${id},${fields.join(",")},"event_timestamp":"${NOW_TEXT}"}` });
      // JSON has no negative zero that JSON.stringify writes.
      const expected = values.map((value) => (Object.is(value, -0) ? 0 : value));
      expect(rowsOf(decoded)).toMatchObject([{ entityKey: [BigInt(id)], values: expected }]);
    }),
    propertySettings(300),
  );
});

test("a topic that no view reads is an error of the caller", () => {
  const error = (() => {
    try {
      return decoderOf(definitionsOf()).now({ topic: "other", value: ROW });
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(isLarderError(error, "INTERNAL")).toBe(true);
});
