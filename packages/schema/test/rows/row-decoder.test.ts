import { compileRowDecoder, type FeatureView, findView, parseDefinitions, type RowDecoder } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";

const view = (lines: string): FeatureView =>
  findView(
    parseDefinitions(`project: p
stream: { type: kafka, brokers: ["b:1"] }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }, { name: shop, type: string }] }
feature_views:
  - name: v
    entity: customer
    features: [{ name: age, type: int32 }, { name: tags, type: list<string> }]
${lines}
`),
    "v",
  );

const PLAIN = view("");
const ROW = { customer_id: 7, shop: "s", event_timestamp: "1970-01-01T00:00:01Z", age: 30, tags: ["a"] };

const rowOf = (decoder: RowDecoder, record: Readonly<Record<string, unknown>>) => {
  const decoded = decoder.decode(record, "row 0");
  return decoded.ok ? decoded.row : decoded.problems.map(({ place, field, what }) => `${place}: ${field} ${what}`);
};

test("a record becomes a row in the order of the view's join keys and features", () => {
  expect(rowOf(PLAIN.rowDecoder, { ...ROW, extra: 1 })).toEqual({
    entityKey: [7n, "s"],
    eventTime: 1_000_000,
    createdTime: undefined,
    values: [30, ["a"]],
  });
  expect(rowOf(PLAIN.rowDecoder, { ...ROW, created: "1970-01-01T00:00:02Z", age: null, tags: null })).toMatchObject({
    createdTime: 2_000_000,
    values: [null, null],
  });
  expect(rowOf(PLAIN.rowDecoder, { ...ROW, created: null })).toMatchObject({ createdTime: undefined });
});

test("every problem of a row is told", () => {
  expect(
    rowOf(PLAIN.rowDecoder, { customer_id: 1.5, shop: null, event_timestamp: 5, created: "x", age: "30" }),
  ).toEqual([
    'row 0: age is "30", not int32',
    "row 0: tags is missing",
    "row 0: customer_id is 1.5, not a whole number",
    "row 0: shop is null",
    "row 0: event_timestamp is the bare number 5, which could be seconds, milliseconds or microseconds",
    'row 0: created is "x", not an ISO 8601 time',
  ]);
  expect(rowOf(PLAIN.rowDecoder, {})).toEqual([
    "row 0: age is missing",
    "row 0: tags is missing",
    "row 0: customer_id is missing",
    "row 0: shop is missing",
    "row 0: event_timestamp is missing",
  ]);
  expect(rowOf(PLAIN.rowDecoder, { ...ROW, event_timestamp: null })).toEqual(["row 0: event_timestamp is null"]);
});

test("a tombstone is join keys and times; features are not looked at", () => {
  const decoded = PLAIN.rowDecoder.decodeTombstone({ ...ROW, age: "nonsense", created: 5n }, "row 0");
  expect(decoded).toEqual({
    ok: true,
    row: { entityKey: [7n, "s"], eventTime: 1_000_000, createdTime: 5, values: undefined },
  });
  expect(PLAIN.rowDecoder.decodeTombstone({ shop: "s" }, "row 0")).toMatchObject({
    ok: false,
    problems: [
      { field: "customer_id", what: "is missing" },
      { field: "event_timestamp", what: "is missing" },
    ],
  });
});

test("a true in the tombstone column makes a deletion; null, false and nothing a live row", () => {
  const { rowDecoder } = view("    source: { path: x, tombstone_column: deleted }");
  expect(rowOf(rowDecoder, { ...ROW, deleted: true })).toMatchObject({ values: undefined });
  for (const deleted of [false, null, undefined])
    expect(rowOf(rowDecoder, { ...ROW, deleted })).toMatchObject({ values: [30, ["a"]] });
  expect(rowOf(rowDecoder, { ...ROW, deleted: 1 })).toEqual(["row 0: deleted is not true or false"]);
});

test("a missing feature is refused, or absent where the view says so", () => {
  const record = { customer_id: 7, shop: "s", event_timestamp: 1n, age: 30 };
  expect(rowOf(PLAIN.rowDecoder, record)).toEqual(["row 0: tags is missing"]);
  expect(rowOf(view("    partial_rows: absent").rowDecoder, record)).toMatchObject({ values: [30, undefined] });
});

test("times go under the declared names and the literal ones, and must not contradict each other", () => {
  const { rowDecoder } = view(
    "    source: { path: x, timestamp_field: at, created_timestamp_column: made }\n    stream: { topic: t, event_time: ts }",
  );
  const { event_timestamp, ...rest } = ROW;
  for (const name of ["at", "ts", "event_timestamp"]) {
    expect(rowOf(rowDecoder, { ...rest, [name]: event_timestamp, created: 3n })).toMatchObject({
      eventTime: 1_000_000,
      createdTime: 3,
    });
  }
  expect(rowOf(rowDecoder, { ...rest, at: event_timestamp, ts: 1_000_000n, made: null, created: 4n })).toMatchObject({
    eventTime: 1_000_000,
    createdTime: 4,
  });
  expect(rowOf(rowDecoder, { ...rest, at: null, event_timestamp, created: 4n, made: null })).toMatchObject({
    createdTime: 4,
  });
  expect(rowOf(rowDecoder, { ...rest, at: event_timestamp, ts: 5n, made: 1n, created: 2n })).toEqual([
    'row 0: at has different values under "at" and "ts"',
    'row 0: made has different values under "made" and "created"',
  ]);
  expect(rowOf(rowDecoder, rest)).toEqual(["row 0: at is missing"]);
});

test("a source column goes by its own name or by the view's", () => {
  const { rowDecoder } = view(
    "    source: { path: x, field_mapping: { AGE: age, CUST: customer_id, TS: event_timestamp } }",
  );
  const mapped = { CUST: 7, shop: "s", TS: 1n, AGE: 30, tags: [] };
  expect(rowOf(rowDecoder, mapped)).toMatchObject({ entityKey: [7n, "s"], eventTime: 1, values: [30, []] });
  expect(rowOf(rowDecoder, { ...ROW, AGE: 30 })).toMatchObject({ values: [30, ["a"]] });
  expect(rowOf(rowDecoder, { ...ROW, AGE: 31 })).toEqual(['row 0: age has different values under "age" and "AGE"']);
  expect(rowOf(rowDecoder, { ...ROW, AGE: null })).toEqual(['row 0: age has different values under "age" and "AGE"']);
  expect(rowDecoder.unknownColumns(["AGE", "age", "CUST", "TS", "created", "shop", "other"])).toEqual(["other"]);
});

test("two source columns may change places", () => {
  const { rowDecoder } = view("    source: { path: x, field_mapping: { age: shop, shop: age } }");
  expect(rowOf(rowDecoder, { customer_id: 1, shop: 30, age: "s", event_timestamp: 1n, tags: [] })).toMatchObject({
    entityKey: [1n, "s"],
    values: [30, []],
  });
});

test("lists under two names agree if their elements do", () => {
  const { rowDecoder } = view("    source: { path: x, field_mapping: { TAGS: tags } }");
  expect(rowOf(rowDecoder, { ...ROW, TAGS: ["a"] })).toMatchObject({ values: [30, ["a"]] });
  expect(rowOf(rowDecoder, { ...ROW, TAGS: ["b"] })).toEqual([
    'row 0: tags has different values under "tags" and "TAGS"',
  ]);
});

test("bare numbers are times where the view states their unit", () => {
  const { rowDecoder } = view("    time_unit: ms");
  expect(rowOf(rowDecoder, { ...ROW, event_timestamp: 1500, created: 2 })).toMatchObject({
    eventTime: 1_500_000,
    createdTime: 2000,
  });
});

test("the decoder knows which columns it reads, and which it lacks", () => {
  const { rowDecoder } = view(
    "    source: { path: x, timestamp_field: at, tombstone_column: gone, tenant_column: tenant }",
  );
  expect(
    rowDecoder.unknownColumns(["customer_id", "at", "gone", "tenant", "event_timestamp", "created", "tags", "x"]),
  ).toEqual(["x"]);
  expect(rowDecoder.missingColumns(["customer_id", "age"])).toEqual(["shop", "at", "tags"]);
  expect(rowDecoder.missingColumns(["customer_id", "shop", "event_timestamp"], { tombstone: true })).toEqual([]);
  expect(view("    partial_rows: absent").rowDecoder.missingColumns(["customer_id", "shop"])).toEqual([
    "event_timestamp",
  ]);
});

test("an entity-less view needs an event time and its features", () => {
  const decoder = compileRowDecoder({
    joinKeys: [],
    features: PLAIN.features,
    source: undefined,
    stream: undefined,
    partialRows: "refuse",
    timeUnit: undefined,
  });
  expect(rowOf(decoder, { event_timestamp: 1n, age: 1, tags: [] })).toMatchObject({ entityKey: [], values: [1, []] });
});

test("no record makes the decoder throw", () => {
  const { rowDecoder } = view("    source: { path: x, timestamp_field: at, tombstone_column: gone }\n    time_unit: s");
  const junk = fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withSparseArray: true });
  const good = {
    customer_id: 7n,
    shop: "s",
    at: "1970-01-01",
    event_timestamp: "1970-01-01",
    created: 5,
    age: 1,
    tags: ["a"],
  };
  const columns = Object.entries({ ...good, gone: false }).map(
    ([name, value]) =>
      [name, fc.oneof({ weight: 9, arbitrary: fc.constant<unknown>(value) }, { weight: 1, arbitrary: junk })] as const,
  );
  const records = fc.record(Object.fromEntries(columns), { requiredKeys: ["customer_id", "shop", "age", "tags"] });
  let taken = 0;
  fc.assert(
    fc.property(records, (record) => {
      const decoded = rowDecoder.decode(record, "row 0");
      if (decoded.ok) {
        taken++;
        expect(Number.isSafeInteger(decoded.row.eventTime)).toBe(true);
        expect(decoded.row.entityKey.map((key) => typeof key)).toEqual(["bigint", "string"]);
      } else {
        expect(decoded.problems.length).toBeGreaterThan(0);
      }
    }),
    propertySettings(3000),
  );
  expect(taken).toBeGreaterThan(100);
});
