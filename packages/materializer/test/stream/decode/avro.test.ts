import { readFile } from "node:fs/promises";
import { isLarderError, LarderError } from "@larder/schema";
import { makeCertificates, propertySettings } from "@larder/testkit";
import avsc from "avsc";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileAvro } from "../../../src/stream/decode/avro/avro-reader.ts";
import { decoderOf, NOW, refusalOf, rowsOf } from "./fixture.ts";
import { framed, startRegistry } from "./registry-server.ts";

/** avsc's integers end at 2^53; this is how its documentation makes them exact. */
const long = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

/** avsc's writer of a schema. Unions are wrapped: `{ long: 5n }`. */
function writerOf(schema: object): (value: unknown) => Buffer {
  const typeHook = (each: avsc.Schema) =>
    each === "long" || Reflect.get(Object(each), "type") === "long" ? long : undefined;
  const type = avsc.Type.forSchema(schema as avsc.Schema, { typeHook, wrapUnions: true });
  return (value) => type.toBuffer(value);
}

const ROW = {
  type: "record",
  name: "Row",
  namespace: "shop",
  fields: [
    { name: "id", type: "long" },
    { name: "amount", type: ["null", "double"] },
    { name: "plan", type: { type: "enum", name: "Plan", symbols: ["BASIC", "PRO"] } },
    { name: "event_timestamp", type: { type: "long", logicalType: "timestamp-micros" } },
  ],
};

const row = (change: object = {}) => ({
  id: 7n,
  amount: { double: 1.5 },
  plan: "PRO",
  event_timestamp: BigInt(NOW),
  ...change,
});

async function shop(ids: Readonly<Record<number, object>> = { 7: ROW }) {
  const registry = await startRegistry();
  for (const [id, schema] of Object.entries(ids)) registry.ids.set(Number(id), { schema: JSON.stringify(schema) });
  return registry;
}

test("an Avro record is a row; its schema is asked for once, by however many at once, and then it is decoded at once", async () => {
  await using registry = await shop();
  const { decode } = decoderOf({ stream: "topic: t, format: avro", registry: `{ url: "${registry.url}/" }` });
  const write = writerOf(ROW);
  const sent = { value: framed(7, write(row())) };
  const decoded = await Promise.all([decode(sent), decode(sent), decode(sent)]);
  for (const each of decoded) {
    expect(rowsOf(each)).toMatchObject([{ entityKey: [7n], eventTime: NOW, values: [1.5, "PRO"] }]);
  }
  expect(registry.requests).toEqual(["/schemas/ids/7"]);
  const next = decode({ value: framed(7, write(row({ amount: null }))) });
  expect(next).not.toBeInstanceOf(Promise);
  expect(rowsOf(await next)).toMatchObject([{ values: [null, "PRO"] }]);
});

test("each record is read by the schema that it names: a later one with more fields, in another order", async () => {
  const [id, amount, plan, time] = ROW.fields;
  const later = { ...ROW, fields: [time, { name: "note", type: "string" }, plan, amount, id] };
  await using registry = await shop({ 7: ROW, 8: later });
  const { decode } = decoderOf({ stream: "topic: t, format: avro", registry: `{ url: "${registry.url}" }` });
  const old = await decode({ value: framed(7, writerOf(ROW)(row())) });
  const fresh = await decode({ value: framed(8, writerOf(later)(row({ note: "new" }))) });
  expect(rowsOf(fresh)).toEqual(rowsOf(old));
  expect([old, fresh]).toMatchObject([{ unknownFields: 0 }, { unknownFields: 1 }]);
});

test("a key in Avro, an object or a bare value, names the entity of a tombstone", async () => {
  const key = { type: "record", name: "Key", fields: [{ name: "id", type: "long" }] };
  await using registry = await shop({ 1: key, 2: { type: "long" }, 3: { type: "string" } });
  const { decode } = decoderOf({ stream: "topic: t, format: avro", registry: `{ url: "${registry.url}" }` });
  for (const sent of [
    framed(1, writerOf(key)({ id: 7n })),
    framed(2, writerOf({ type: "long" })(7n)),
    "7",
    '{"id":7}',
  ]) {
    expect(rowsOf(await decode({ key: sent, value: null }))).toMatchObject([{ entityKey: [7n], values: undefined }]);
  }
  expect(refusalOf(await decode({ key: framed(3, writerOf({ type: "string" })("x")), value: null }))).toMatchObject({
    field: "id",
  });
});

test("named types are found by namespace, in the schemas that a schema refers to, and inside of themselves", async () => {
  const money = { type: "record", name: "Money", namespace: "a.b", fields: [{ name: "units", type: "long" }] };
  const order = {
    type: "record",
    name: "Order",
    namespace: "a.b",
    fields: [
      { name: "total", type: "Money" },
      { name: "parent", type: ["null", "Order"] },
      { name: "digest", type: { type: "fixed", name: "a.Digest", size: 2 } },
      { name: "other", type: "a.Digest" },
    ],
  };
  await using registry = await startRegistry();
  registry.versions.set("a.b.Money-value/3", { schema: JSON.stringify(money) });
  const references = [{ name: "a.b.Money", subject: "a.b.Money-value", version: 3 }];
  const outer = { type: "record", name: "R", fields: [...ROW.fields, { name: "order", type: "a.b.Order" }] };
  registry.versions.set("order/1", { schema: JSON.stringify(order), references });
  registry.ids.set(9, {
    schema: JSON.stringify(outer),
    references: [{ name: "a.b.Order", subject: "order", version: 1 }],
  });
  const features = "{ name: units, type: int64 }, { name: up, type: int64 }, { name: digest, type: bytes }";
  const mapping = "{ order.total.units: units, order.parent.total.units: up, order.other: digest }";
  const { decode } = decoderOf({
    features,
    stream: `topic: t, format: avro, field_mapping: ${mapping}`,
    registry: `{ url: "${registry.url}" }`,
  });
  const whole = {
    ...outer,
    fields: [
      ...ROW.fields,
      { name: "order", type: { ...order, fields: [{ name: "total", type: money }, ...order.fields.slice(1)] } },
    ],
  };
  const leaf = (units: bigint, parent: unknown) => ({
    total: { units },
    parent,
    digest: Buffer.from("ab"),
    other: Buffer.from("cd"),
  });
  const value = framed(9, writerOf(whole)(row({ order: leaf(2n ** 60n, { "a.b.Order": leaf(5n, null) }) })));
  const [decoded] = rowsOf(await decode({ value }));
  expect(decoded?.values?.slice(0, 2)).toEqual([2n ** 60n, 5n]);
  expect(Buffer.from(decoded?.values?.[2] as Uint8Array).toString()).toBe("cd");
});

test("timestamps are times whatever the view's unit, and features of seconds only where they are whole seconds", async () => {
  const millis = { type: "long", logicalType: "timestamp-millis" };
  const schema = {
    type: "record",
    name: "T",
    fields: [
      { name: "id", type: "long" },
      { name: "seen", type: ["null", millis] },
      { name: "raw", type: millis },
      { name: "event_timestamp", type: millis },
    ],
  };
  await using registry = await shop({ 1: schema });
  const features = "{ name: seen, type: unix_timestamp }, { name: raw, type: int64 }";
  const { decode } = decoderOf({
    features,
    view: "time_unit: s",
    stream: "topic: t, format: avro",
    registry: `{ url: "${registry.url}" }`,
  });
  const write = writerOf(schema);
  const at = BigInt(NOW / 1000);
  const good = await decode({
    value: framed(1, write({ id: 1n, seen: { long: 5000n }, raw: 1234n, event_timestamp: at })),
  });
  expect(rowsOf(good)).toMatchObject([{ eventTime: NOW, values: [5n, 1234n] }]);
  const fraction = await decode({
    value: framed(1, write({ id: 1n, seen: { long: 5001n }, raw: 0n, event_timestamp: at })),
  });
  expect(refusalOf(fraction)).toMatchObject({ code: "RECORD_INVALID", field: "seen", schemaId: 1 });
  const far = await decode({
    value: framed(1, write({ id: 1n, seen: null, raw: 0n, event_timestamp: 1_515_000_000_000_000n })),
  });
  expect(refusalOf(far)).toMatchObject({ code: "RECORD_INVALID", field: "event_timestamp" });
});

test("a decimal is refused by name where a view reads it, and passed over where none does", async () => {
  const price = { name: "price", type: { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 } };
  const schema = { ...ROW, fields: [...ROW.fields, price] };
  await using registry = await shop({ 7: schema });
  const value = framed(7, writerOf(schema)(row({ price: Buffer.from([1, 2]) })));
  const registered = { registry: `{ url: "${registry.url}" }` };
  expect(rowsOf(await decoderOf({ ...registered, stream: "topic: t, format: avro" }).decode({ value }))).toHaveLength(
    1,
  );
  const stream = "topic: t, format: avro, field_mapping: { price: amount }";
  const refusal = refusalOf(await decoderOf({ ...registered, stream }).decode({ value }));
  expect(refusal).toMatchObject({ code: "RECORD_INVALID", field: "price" });
  expect(refusal.message).toContain("an Avro decimal");
});

test.each<[string, (good: Buffer) => Uint8Array | string]>([
  ["no frame", () => "{}"],
  ["another magic byte", (good) => Buffer.concat([Buffer.from([1]), good.subarray(1)])],
  ["nothing after the frame", (good) => good.subarray(0, 5)],
  ["a part of the frame", (good) => good.subarray(0, 3)],
  ["the last byte missing", (good) => good.subarray(0, -1)],
  ["a byte too many", (good) => Buffer.concat([good, Buffer.from([0])])],
  ["a schema that the registry does not have", (good) => framed(404, good.subarray(5))],
  ["a schema of Protobuf", (good) => framed(30, good.subarray(5))],
  ["a schema that is none", (good) => framed(31, good.subarray(5))],
  ["a schema of no record", (good) => framed(32, good.subarray(5, 6))],
  ["a schema with a reference to nowhere", (good) => framed(33, good.subarray(5))],
])("unreadable: %s", async (_name, broken) => {
  await using registry = await shop();
  registry.ids.set(30, { schema: "syntax = 'proto3';", schemaType: "PROTOBUF" });
  registry.ids.set(31, { schema: '{"type":"record"}' });
  registry.ids.set(32, { schema: '"long"' });
  registry.ids.set(33, { schema: JSON.stringify(ROW), references: [{ name: "x", subject: "gone", version: 1 }] });
  const { decode } = decoderOf({ stream: "topic: t, format: avro", registry: `{ url: "${registry.url}" }` });
  const refusal = refusalOf(await decode({ value: broken(framed(7, writerOf(ROW)(row()))) }));
  expect(refusal).toMatchObject({ code: "RECORD_UNREADABLE", field: "value" });
});

test("a schema that the registry does not know is asked for again after a while, not before", async () => {
  await using registry = await startRegistry();
  const options = { unknownSchemaFor: 60_000_000 };
  const { decode } = decoderOf({ stream: "topic: t, format: avro", registry: `{ url: "${registry.url}" }` }, options);
  const sent = { value: framed(7, writerOf(ROW)(row())) };
  expect(refusalOf(await decode(sent))).toMatchObject({ schemaId: 7 });
  expect(refusalOf(await decode(sent, NOW + 59_000_000))).toMatchObject({ schemaId: 7 });
  expect(registry.requests).toHaveLength(1);
  registry.ids.set(7, { schema: JSON.stringify(ROW) });
  expect(rowsOf(await decode(sent, NOW + 60_000_000))).toHaveLength(1);
});

test("only so many schemas are kept", async () => {
  await using registry = await shop({ 1: ROW, 2: ROW, 3: ROW });
  const { decode } = decoderOf(
    { stream: "topic: t, format: avro", registry: `{ url: "${registry.url}" }` },
    { maxSchemas: 2 },
  );
  const write = writerOf(ROW);
  for (const id of [1, 2, 3, 3, 2, 1]) rowsOf(await decode({ value: framed(id, write(row())) }));
  expect(registry.requests).toEqual([1, 2, 3, 1].map((id) => `/schemas/ids/${id}`));
});

test.each<[string, { readonly status: number; readonly body: string } | "hang", string]>([
  [
    "it is failing",
    { status: 500, body: '{"error_code":50001,"message":"Error in the backend datastore"}' },
    "STREAM_UNAVAILABLE",
  ],
  ["it has too much to do", { status: 429, body: "" }, "STREAM_UNAVAILABLE"],
  ["it does not answer", "hang", "STREAM_UNAVAILABLE"],
  ["it forbids", { status: 403, body: '{"error_code":40301,"message":"Forbidden"}' }, "STREAM_MISCONFIGURED"],
  ["it is another server's 404", { status: 404, body: "<html>" }, "STREAM_MISCONFIGURED"],
  ["it is no registry", { status: 200, body: "hello" }, "STREAM_MISCONFIGURED"],
])("a record is not at fault for its registry: %s", async (_name, fault, code) => {
  await using registry = await shop();
  const { decode } = decoderOf(
    { stream: "topic: t, format: avro", registry: `{ url: "${registry.url}" }` },
    { registryTimeoutMs: 300 },
  );
  const sent = { value: framed(7, writerOf(ROW)(row())) };
  registry.fault = fault;
  await expect(decode(sent)).rejects.toSatisfy((error) => isLarderError(error) && error.code === code);
  registry.fault = undefined;
  expect(rowsOf(await decoderAgain())).toHaveLength(1);

  async function decoderAgain() {
    return decode(sent);
  }
});

test("an unreachable registry is unavailable", async () => {
  const registry = await shop();
  const { decode } = decoderOf({ stream: "topic: t, format: avro", registry: `{ url: "${registry.url}" }` });
  await registry[Symbol.asyncDispose]();
  await expect(decode({ value: framed(7) })).rejects.toMatchObject({ code: "STREAM_UNAVAILABLE", retryable: true });
});

test("a registry behind HTTPS with a certificate of its own and a password", async () => {
  await using certificates = await makeCertificates();
  const [key, cert] = await Promise.all([readFile(certificates.serverKey), readFile(certificates.serverCert)]);
  await using registry = await startRegistry({ key, cert });
  registry.ids.set(7, { schema: JSON.stringify(ROW) });
  registry.credentials = "larder:hunter2";
  const at = (rest: string) => `{ url: "${registry.url}", username: larder, ${rest} }`;
  const stream = "topic: t, format: avro";
  const sent = { value: framed(7, writerOf(ROW)(row())) };
  const ca = `ca: "${certificates.ca}"`;
  expect(rowsOf(await decoderOf({ stream, registry: at(`password: hunter2, ${ca}`) }).decode(sent))).toHaveLength(1);
  const wrong = await failure(decoderOf({ stream, registry: at(`password: hunter3, ${ca}`) }).decode(sent));
  expect(wrong.code).toBe("STREAM_MISCONFIGURED");
  expect(`${wrong.message} ${JSON.stringify(wrong.facts)}`).not.toContain("hunter");
  const untrusted = await failure(decoderOf({ stream, registry: at("password: hunter2") }).decode(sent));
  expect(untrusted.code).toBe("STREAM_UNAVAILABLE");
  expect(() => decoderOf({ stream, registry: at("password: x, ca: /nowhere.pem") })).toThrow("cannot be read");
});

async function failure(decoded: unknown): Promise<LarderError> {
  try {
    await decoded;
  } catch (error) {
    if (error instanceof LarderError) return error;
  }
  throw new Error("it did not fail with a coded error");
}

/** A schema and values of it, as avsc takes them and as they are to come out. */
interface Typed {
  readonly schema: unknown;
  readonly values: fc.Arbitrary<readonly [written: unknown, read: unknown]>;
}

const plain = <T>(schema: unknown, values: fc.Arbitrary<T>, read: (value: T) => unknown = (value) => value): Typed => ({
  schema,
  values: values.map((value) => [value, read(value)]),
});
const text = fc.string({ unit: "binary" }).filter((each) => each.isWellFormed());
const exact = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
const scalars: readonly Typed[] = [
  plain("null", fc.constant(null)),
  plain("boolean", fc.boolean()),
  plain("int", fc.integer()),
  plain(
    "long",
    fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n })),
    exact,
  ),
  plain("float", fc.float()),
  plain("double", fc.double()),
  plain("string", text),
  plain(
    "bytes",
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    (bytes) => new Uint8Array(bytes),
  ),
  plain({ type: "enum", name: "E", symbols: ["A", "B"] }, fc.constantFrom("A", "B")),
];

/** Types of types; the names of records are made different by `path`. */
function typed(depth: number, path: string): fc.Arbitrary<Typed> {
  // A second enum of the same name would be refused, by avsc too.
  const leaf = fc
    .constantFrom(...scalars)
    .map((each) =>
      typeof each.schema === "object" ? { ...each, schema: { ...(each.schema as object), name: `E${path}` } } : each,
    );
  if (depth === 0) return leaf;
  const item = typed(depth - 1, `${path}0`);
  return fc.oneof(
    leaf,
    item
      .filter(({ schema }) => takesBytes(schema))
      .map(
        ({ schema, values }): Typed => ({
          schema: { type: "array", items: schema },
          values: fc.array(values, { maxLength: 5 }).map(apart),
        }),
      ),
    item.map(
      ({ schema, values }): Typed => ({
        schema: { type: "map", values: schema },
        values: fc
          .dictionary(
            text.filter((key) => key !== "__proto__"),
            values,
            { maxKeys: 4 },
          )
          .map((map) => {
            const entries = Object.entries(map);
            return [
              Object.fromEntries(entries.map(([key, [written]]) => [key, written])),
              Object.fromEntries(entries.map(([key, [, read]]) => [key, read])),
            ];
          }),
      }),
    ),
    fc.tuple(item, typed(depth - 1, `${path}1`)).map(
      ([a, b]): Typed => ({
        schema: {
          type: "record",
          name: `R${path}`,
          fields: [
            { name: "a", type: a.schema },
            { name: "b", type: b.schema },
          ],
        },
        values: fc.tuple(a.values, b.values).map(([[wa, ra], [wb, rb]]) => [
          { a: wa, b: wb },
          { a: ra, b: rb },
        ]),
      }),
    ),
  );
}

/** Lists of nothing are refused where they are longer than the record: no count is believed. */
function takesBytes(schema: unknown): boolean {
  const fields: unknown = Reflect.get(Object(schema), "fields");
  return Array.isArray(fields) ? fields.some((field) => takesBytes(Reflect.get(field, "type"))) : schema !== "null";
}

function apart(pairs: readonly (readonly [unknown, unknown])[]): readonly [unknown[], unknown[]] {
  return [pairs.map(([written]) => written), pairs.map(([, read]) => read)];
}

const sample = typed(3, "").chain(({ schema, values }) => fc.tuple(fc.constant(schema), values));

test("what avsc writes by a random schema is read back equal", () => {
  fc.assert(
    fc.property(sample, ([schema, [written, read]]) => {
      const bytes = writerOf(schema as object)(written);
      expect(compileAvro(JSON.stringify(schema))(framed(1, bytes), 5)).toEqual(read);
    }),
    propertySettings(200),
  );
});

test("no bytes crash the reader, keep it busy or make it read outside of them", () => {
  const list = { type: "array", items: { type: "array", items: "null" } };
  fc.assert(
    fc.property(
      fc.oneof(
        sample.map(([schema]) => schema),
        fc.constant(list),
      ),
      fc.uint8Array({ maxLength: 60 }),
      (schema, bytes) => {
        const read = compileAvro(JSON.stringify(schema));
        try {
          read(bytes, 0);
        } catch (error) {
          expect((error as Error).constructor.name).toBe("CorruptAvro");
        }
      },
    ),
    propertySettings(500),
  );
  const counts = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  expect(() => compileAvro(JSON.stringify(list))(counts, 0)).toThrow("more items than bytes");
});

test("a schema that holds itself ends somewhere", () => {
  const list = { type: "record", name: "L", fields: [{ name: "next", type: ["null", "L"] }] };
  expect(() => compileAvro(JSON.stringify(list))(Buffer.alloc(100_000, 2), 0)).toThrow("records inside each other");
});

test("an int that is none, a boolean of 2 and an integer beyond int64 are refused", () => {
  const read = (schema: string, ...bytes: number[]) => compileAvro(`"${schema}"`)(Uint8Array.from(bytes), 0);
  expect(read("long", ...Array(9).fill(0xff), 0x01)).toBe(-(2n ** 63n));
  expect(() => read("long", ...Array(9).fill(0xff), 0x02)).toThrow("beyond int64");
  expect(() => read("int", 0x80, 0x80, 0x80, 0x80, 0x10)).toThrow("beyond the int");
  expect(() => read("boolean", 2)).toThrow("no boolean");
});
