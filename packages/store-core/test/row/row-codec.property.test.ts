import type { FeatureRow, FeatureValue, ValueType } from "@larder/schema";
import { SCALAR_TYPES } from "@larder/schema";
import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRowEncoder } from "../../src/row/row-encoder.ts";
import { layoutOf, ORDER_PREFIX, State } from "../../src/row/row-layout.ts";
import {
  createRowReader,
  isRow,
  RowCheck,
  readFixed,
  readHeader,
  readState,
  readVariable,
  rowBytes,
} from "../../src/row/row-reader.ts";
import type { RowSchema } from "../../src/row/row-schema.ts";
import { definitionsOf } from "../definitions.ts";

const TYPES: readonly ValueType[] = [...SCALAR_TYPES, ...SCALAR_TYPES.map((type) => `list<${type}>` as const)];

const scalar = {
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float32: fc.float(),
  float64: fc.double(),
  bool: fc.boolean(),
  string: fc.string({ unit: "grapheme" }).filter((text) => text.isWellFormed()),
  bytes: fc.uint8Array({ maxLength: 40 }),
  unix_timestamp: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
};

function valueOfType(type: ValueType): fc.Arbitrary<FeatureValue | undefined> {
  const list = /^list<(.*)>$/.exec(type);
  const one = scalar[(list?.[1] ?? type) as keyof typeof scalar] as fc.Arbitrary<FeatureValue>;
  const value = list === null ? one : (fc.array(one, { maxLength: 200 }) as fc.Arbitrary<FeatureValue>);
  return fc.oneof({ weight: 6, arbitrary: value }, fc.constant(null), fc.constant(undefined));
}

const time = fc.integer({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const schemaAndRow = fc
  .array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 9 })
  .chain((types) =>
    fc.tuple(fc.constant(types), fc.tuple(...types.map(valueOfType)), time, fc.option(time, { nil: undefined })),
  );

function viewOf(types: readonly ValueType[]) {
  const features = types.map((type, i) => `      - { name: f${i}, type: "${type}" }`).join("\n");
  const view = definitionsOf(`  - name: v\n    entity: customer\n    features:\n${features}`).views.get("v");
  if (view === undefined) throw new Error("no view");
  return view;
}

function schemaFor(types: readonly ValueType[]): RowSchema {
  return {
    view: "v",
    joinKeys: [{ name: "customer_id", type: "int64" }],
    features: types.map((type, i) => ({ name: `f${i}`, type })),
  };
}

test("every row reads back as it was written, at any offset of its buffer", () => {
  fc.assert(
    fc.property(schemaAndRow, fc.nat(20), ([types, values, eventTime, createdTime], padding) => {
      const schema = schemaFor(types);
      const bytes = createRowEncoder(layoutOf(schema), 7)({ eventTime, createdTime, values });
      const placed = rowBytes(Buffer.concat([Buffer.alloc(padding, 0xff), bytes, Buffer.alloc(3, 0xff)]));
      const reader = createRowReader(schema, viewOf(types));
      const spans = new Int32Array(reader.variableCount * 2);
      expect(isRow(placed.view, padding, bytes.byteLength)).toBe(true);
      expect(readHeader(placed.view, padding)).toEqual({ eventTime, createdTime, tombstone: false, fingerprint: 7 });
      const complete = values.every((value) => value !== null && value !== undefined);
      const check = reader.check(placed, padding, bytes.byteLength, spans, 0);
      expect(check).toBe(complete ? RowCheck.COMPLETE : RowCheck.WHOLE);
      const read = reader.fields.map((field) => {
        if (field === undefined) throw new Error("field lost");
        const state = readState(placed, padding, field);
        if (state !== State.VALUE) return state === State.NULL ? null : undefined;
        if (field.fixedOffset >= 0) return readFixed(placed, padding, field);
        return readVariable(placed, spans[2 * field.variable] ?? -1, spans[2 * field.variable + 1] ?? -1, field);
      });
      expect(read).toEqual(values);
    }),
    propertySettings(300),
  );
});

test("the order of packed bytes is event time, created time, tombstone over row", () => {
  const encode = createRowEncoder(layoutOf(schemaFor(["int32"])), 7);
  const row = fc.record({
    eventTime: fc.oneof(time, fc.integer({ min: -3, max: 3 })),
    createdTime: fc.option(fc.oneof(time, fc.integer({ min: -3, max: 3 })), { nil: undefined }),
    values: fc.option(fc.tuple(fc.integer({ min: -2, max: 2 })), { nil: undefined }),
  });
  const key = (r: Pick<FeatureRow, "eventTime" | "createdTime" | "values">) =>
    [r.eventTime, r.createdTime ?? Number.NEGATIVE_INFINITY, r.values === undefined ? 1 : 0] as const;
  fc.assert(
    fc.property(row, row, (a, b) => {
      const [x, y] = [key(a), key(b)];
      const at = x.findIndex((part, i) => part !== y[i]);
      const expected = at < 0 ? 0 : (x[at] as number) < (y[at] as number) ? -1 : 1;
      const bytes = [encode(a), encode(b)].map((packed) => packed.subarray(0, ORDER_PREFIX)) as [
        Uint8Array,
        Uint8Array,
      ];
      expect(Buffer.compare(...bytes)).toBe(expected);
    }),
    propertySettings(2000),
  );
});

test("of rows with the same times, those of a schema that gained features are the newer, whatever its fingerprint", () => {
  const types: ValueType[] = ["int32", "string", "float64"];
  const fingerprint = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(fingerprint, fingerprint, fc.integer({ min: -9, max: 9 }), time, (before, after, value, eventTime) => {
      const old = createRowEncoder(layoutOf(schemaFor(types)), before);
      const gained = createRowEncoder(layoutOf(schemaFor([...types, "bool"])), after);
      const row = { eventTime, createdTime: undefined };
      const [a, b] = [old({ ...row, values: [9, "zz", 9] }), gained({ ...row, values: [value, "", value, null] })];
      expect(Buffer.compare(a, b)).toBe(-1);
    }),
    propertySettings(500),
  );
});

test("no byte string crashes the reader or makes it read outside its input", () => {
  const types: ValueType[] = ["string", "float32", "list<string>", "list<int64>", "bytes", "bool"];
  const reader = createRowReader(schemaFor(types), viewOf(types));
  const encode = createRowEncoder(layoutOf(schemaFor(types)), 7);
  const valid = encode({
    eventTime: 1,
    createdTime: 2,
    values: ["abc", 1, ["x", "y"], [1n], new Uint8Array([1, 2]), true],
  });
  const mutated = fc
    .array(fc.tuple(fc.nat(valid.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((edits) => {
      const copy = Uint8Array.from(valid);
      for (const [at, byte] of edits) copy[at] = byte;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), mutated), (bytes) => {
      const fence = 0x5a;
      const placed = rowBytes(Buffer.concat([Buffer.alloc(16, fence), bytes, Buffer.alloc(16, fence)]));
      const spans = new Int32Array(reader.variableCount * 2);
      if (!isRow(placed.view, 16, bytes.length)) return;
      if (reader.check(placed, 16, bytes.length, spans, 0) === RowCheck.BROKEN) return;
      for (const field of reader.fields) {
        if (field === undefined || readState(placed, 16, field) !== State.VALUE) continue;
        if (field.fixedOffset >= 0) readFixed(placed, 16, field);
        else {
          const [start, length] = [spans[2 * field.variable] as number, spans[2 * field.variable + 1] as number];
          expect(start).toBeGreaterThanOrEqual(16);
          expect(start + length).toBeLessThanOrEqual(16 + bytes.length);
          readVariable(placed, start, length, field);
        }
      }
    }),
    propertySettings(5000),
  );
});
