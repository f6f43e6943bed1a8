import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, createFileRegistry, type DescMessage, fromJson, toBinary } from "@bufbuild/protobuf";
import {
  FileDescriptorSetSchema,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import { propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decoderOf, NOW, NOW_TEXT, refusalOf, rowsOf, type Sketch } from "./fixture.ts";
import { framed } from "./registry-server.ts";

/** What protoc writes for the file below, but for its source positions. */
const FILE = {
  name: "shop/v1/row.proto",
  package: "shop.v1",
  syntax: "proto3",
  dependency: ["google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto"],
  messageType: [
    { name: "Other", field: [field("text", 1, "TYPE_STRING")] },
    {
      name: "Row",
      field: [
        field("id", 1, "TYPE_INT64"),
        { ...field("amount", 2, "TYPE_DOUBLE"), proto3Optional: true, oneofIndex: 0 },
        { ...field("plan", 3, "TYPE_ENUM"), typeName: ".shop.v1.Plan" },
        { ...field("event_at", 4, "TYPE_MESSAGE"), typeName: ".google.protobuf.Timestamp" },
        { ...field("inner", 5, "TYPE_MESSAGE"), typeName: ".shop.v1.Row.Inner" },
        { ...field("wrapped", 6, "TYPE_MESSAGE"), typeName: ".google.protobuf.Int64Value" },
      ],
      nestedType: [
        {
          name: "Inner",
          field: [
            { ...field("big_numbers", 1, "TYPE_UINT64"), label: "LABEL_REPEATED" },
            field("data", 2, "TYPE_BYTES"),
            field("time_ms", 3, "TYPE_INT64"),
          ],
        },
      ],
      oneofDecl: [{ name: "_amount" }],
    },
  ],
  enumType: [
    {
      name: "Plan",
      value: [
        { name: "PLAN_NONE", number: 0 },
        { name: "PLAN_PRO", number: 1 },
      ],
    },
  ],
};

function field(name: string, number: number, type: string) {
  return { name, number, type, label: "LABEL_OPTIONAL" };
}

const set = create(FileDescriptorSetSchema, {
  file: [
    file_google_protobuf_timestamp.proto,
    file_google_protobuf_wrappers.proto,
    ...fromJson(FileDescriptorSetSchema, { file: [FILE] }).file,
  ],
});
const Row = createFileRegistry(set).getMessage("shop.v1.Row") as DescMessage;
const write = (json: object) => toBinary(Row, fromJson(Row, json as Parameters<typeof fromJson>[1]));

const STREAM = "topic: t, format: protobuf, descriptor_set: shop.pb, message: shop.v1.Row, event_time: event_at";

async function shop() {
  const folder = await temporaryFolder();
  writeFileSync(join(folder.path, "shop.pb"), toBinary(FileDescriptorSetSchema, set));
  return {
    decoder: (sketch: Sketch = {}) => decoderOf({ stream: STREAM, folder: folder.path, ...sketch }),
    path: folder.path,
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

const ROW = { id: "7", amount: 1.5, plan: "PLAN_PRO", event_at: NOW_TEXT };

test("a Protobuf message is a row: enums are text, timestamps times, int64 exact", async () => {
  await using folder = await shop();
  const { now } = folder.decoder();
  expect(rowsOf(now({ value: write({ ...ROW, id: "9223372036854775807" }) }))).toMatchObject([
    { entityKey: [2n ** 63n - 1n], eventTime: NOW, values: [1.5, "PLAN_PRO"] },
  ]);
});

test("an unset field is null where it can be unset, absent where the view has such, and its default otherwise", async () => {
  await using folder = await shop();
  const value = write({ event_at: NOW_TEXT });
  expect(rowsOf(folder.decoder().now({ value }))).toMatchObject([{ entityKey: [0n], values: [null, "PLAN_NONE"] }]);
  const { now } = folder.decoder({ view: "partial_rows: absent" });
  expect(rowsOf(now({ value }))).toMatchObject([{ values: [undefined, "PLAN_NONE"] }]);
});

test("nested fields, lists, wrappers and bytes; a number is a time only in the view's unit", async () => {
  await using folder = await shop();
  const features = "{ name: numbers, type: list<int64> }, { name: data, type: bytes }, { name: wrapped, type: int64 }";
  const stream = `${STREAM.replace("event_at", "inner.time_ms")}, field_mapping: { inner.big_numbers: numbers, inner.data: data }`;
  const { now } = folder.decoder({ features, stream });
  const inner = { big_numbers: ["1", "9007199254740993"], data: "AP8=", time_ms: String(NOW / 1000) };
  const [row] = rowsOf(now({ value: write({ ...ROW, inner, wrapped: "0" }) }));
  expect(row).toMatchObject({ eventTime: NOW, values: [[1n, 9_007_199_254_740_993n], { 0: 0, 1: 255 }, 0n] });
  const [empty] = rowsOf(now({ value: write({ ...ROW, inner: { ...inner, data: "" } }) }));
  expect(empty?.values?.[2]).toBeNull();
  const beyond = now({ value: write({ ...ROW, inner: { ...inner, big_numbers: ["18446744073709551615"] } }) });
  expect(refusalOf(beyond)).toMatchObject({ code: "RECORD_INVALID", field: "inner.big_numbers" });
  const noUnit = folder.decoder({ features, stream, view: "ttl: 0" });
  expect(refusalOf(noUnit.now({ value: write({ ...ROW, inner }) })).message).toContain("time_unit");
});

test("fields that the descriptor set does not have, and those that no view reads, are counted", async () => {
  await using folder = await shop();
  const value = Buffer.concat([write(ROW), Buffer.from([0xa0, 0x06, 0x01])]);
  expect(folder.decoder().now({ value })).toMatchObject({ ok: true, unknownFields: 3 });
});

test("with a registry, records are framed, and the frame must name the view's message", async () => {
  await using folder = await shop();
  const registry = '{ url: "http://127.0.0.1:1" }';
  const { now } = folder.decoder({ registry });
  const indexes = (...bytes: number[]) => Buffer.from(bytes);
  expect(rowsOf(now({ value: framed(9, indexes(2, 2), write(ROW)) }))).toMatchObject([{ entityKey: [7n] }]);
  for (const other of [
    indexes(0),
    indexes(2, 0),
    indexes(4, 2, 0),
    indexes(),
    indexes(0xff, 0xff, 0xff, 0xff),
    indexes(1, 1),
  ]) {
    expect(refusalOf(now({ value: framed(9, other) }))).toMatchObject({
      code: "RECORD_UNREADABLE",
      field: "value",
      schemaId: 9,
    });
  }
  expect(refusalOf(now({ value: write(ROW) }))).toMatchObject({ code: "RECORD_UNREADABLE" });
  const first = folder.decoder({
    registry,
    stream:
      "topic: t, format: protobuf, descriptor_set: shop.pb, message: shop.v1.Other, event_time: record:timestamp, join_keys_from: key".replace(
        "record:timestamp",
        '"record:timestamp"',
      ),
    features: "{ name: text, type: string }",
  });
  const value = framed(1, indexes(0), Buffer.from([10, 1, 97]));
  expect(rowsOf(first.now({ key: "7", value }))).toMatchObject([{ values: ["a"] }]);
  expect(rowsOf(first.now({ key: "7", value: framed(1, indexes(2, 0), Buffer.from([10, 1, 97])) }))).toMatchObject([
    { values: ["a"] },
  ]);
});

test("refused: what is cut, is no message, is finer than a microsecond, names no value of its enum", async () => {
  await using folder = await shop();
  const { now } = folder.decoder();
  const good = write(ROW);
  expect(refusalOf(now({ value: good.subarray(0, -1) }))).toMatchObject({ code: "RECORD_UNREADABLE", field: "value" });
  expect(refusalOf(now({ value: Buffer.from([0xff]) }))).toMatchObject({ code: "RECORD_UNREADABLE" });
  expect(refusalOf(now({ value: write({ ...ROW, event_at: "2026-01-31T12:00:00.000000001Z" }) }))).toMatchObject({
    field: "event_at",
  });
  expect(refusalOf(now({ value: write({ ...ROW, plan: 5 }) }))).toMatchObject({
    code: "RECORD_INVALID",
    field: "plan",
  });
  expect(refusalOf(now({ value: write({ id: "7" }) }))).toMatchObject({ code: "RECORD_INVALID", field: "event_at" });
});

test("a descriptor set that is missing, broken or lacks what the view reads is wrong configuration", async () => {
  await using folder = await shop();
  writeFileSync(join(folder.path, "broken.pb"), "hello");
  for (const [from, to, what] of [
    ["shop.pb", "gone.pb", "cannot be read"],
    ["shop.pb", "broken.pb", "no whole descriptor set"],
    ["shop.v1.Row", "shop.v1.Line", 'no message "shop.v1.Line"'],
    ["event_at", "event_on", 'no field "event_on"'],
    ["event_at", "id.event_at", 'no field "id.event_at"'],
  ] as const) {
    const make = () => folder.decoder({ stream: STREAM.replace(from, to) });
    expect(make, to).toThrow(
      expect.objectContaining({ code: "STREAM_MISCONFIGURED", message: expect.stringContaining(what) }),
    );
  }
});

test("what the library writes of random rows comes out equal, and no bytes make the decoder throw", async () => {
  await using folder = await shop();
  const { now } = folder.decoder();
  const row = fc.record({
    id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    amount: fc.option(fc.double()),
    plan: fc.constantFrom(0, 1),
  });
  fc.assert(
    fc.property(row, fc.uint8Array({ maxLength: 40 }), fc.nat(), ({ id, amount, plan }, noise, cut) => {
      const message = create(Row, {
        id,
        plan,
        eventAt: { seconds: BigInt(NOW / 1e6), nanos: 0 },
        ...(amount === null ? {} : { amount }),
      });
      const value = toBinary(Row, message);
      expect(rowsOf(now({ value }))).toMatchObject([
        { entityKey: [id], values: [amount, ["PLAN_NONE", "PLAN_PRO"][plan]] },
      ]);
      now({ value: noise });
      now({ value: Buffer.concat([value.subarray(0, cut % value.length), noise]) });
    }),
    propertySettings(300),
  );
});
