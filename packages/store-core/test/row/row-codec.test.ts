import { type FeatureRow, findView } from "@larder/schema";
import { expect, test } from "vitest";
import { createRowEncoder } from "../../src/row/row-encoder.ts";
import { layoutOf } from "../../src/row/row-layout.ts";
import { createRowReader, isRow, RowCheck, readHeader, rowBytes } from "../../src/row/row-reader.ts";
import { encodeSchema, fingerprintOf, schemaOf } from "../../src/row/row-schema.ts";
import { definitionsOf } from "../definitions.ts";

const view = findView(
  definitionsOf(`
  - name: v
    entity: customer
    features:
      - { name: a, type: float32 }
      - { name: b, type: string }
      - { name: c, type: int64 }
      - { name: d, type: "list<string>" }
      - { name: e, type: bool }
`),
  "v",
);
const schema = schemaOf(view);
const fingerprint = fingerprintOf(encodeSchema(schema));
const encode = createRowEncoder(layoutOf(schema), fingerprint);

function pack(row: Partial<FeatureRow>): string {
  return Buffer.from(encode({ eventTime: 0, createdTime: undefined, values: undefined, ...row })).toString("hex");
}

test("a packed row has exactly these bytes", () => {
  expect(fingerprint.toString(16)).toBe("401844b");
  // event time, created time, version, fingerprint, states, then a c e in their slots, then b and d with their lengths
  expect(pack({ eventTime: 1, createdTime: -1, values: [0.5, "hé", -2n, ["", "x"], true] })).toBe(
    "80000000000001 7fffffffffffff 01 05 0401844b aa02 0000003f feffffffffffffff 01 0368c3a9 03000178".replaceAll(
      " ",
      "",
    ),
  );
  expect(pack({ eventTime: 1_700_000_000_000_000, values: [null, undefined, null, [], null] })).toBe(
    "860a24181e4000 00000000000000 01 05 0401844b 9101 00000000 0000000000000000 00 00".replaceAll(" ", ""),
  );
  expect(pack({ eventTime: -5, createdTime: 7 })).toBe(
    "7ffffffffffffb 80000000000007 81 05 0401844b".replaceAll(" ", ""),
  );
});

test("a view of ten float32 features packs into 63 bytes", () => {
  const features = Array.from({ length: 10 }, (_, i) => `      - { name: f${i}, type: float32 }`).join("\n");
  const wide = schemaOf(findView(definitionsOf(`  - name: w\n    entity: customer\n    features:\n${features}`), "w"));
  const bytes = createRowEncoder(layoutOf(wide), 1)({ eventTime: 1, createdTime: 2, values: new Array(10).fill(1) });
  expect(bytes.byteLength).toBe(63);
});

test("NaN has one bit pattern, whatever bits it came with", () => {
  const odd = new Float64Array(new BigUint64Array([0x7ff8dead_beef0001n]).buffer)[0] as number;
  expect(pack({ values: [odd, "", 0n, [], false] })).toBe(pack({ values: [Number.NaN, "", 0n, [], false] }));
});

test("a header at the ends of time reads back exactly", () => {
  for (const time of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0, -1, 1, 2 ** 24, -(2 ** 24) - 1]) {
    const bytes = rowBytes(encode({ eventTime: time, createdTime: time, values: undefined }));
    expect(isRow(bytes.view, 0, bytes.buffer.length)).toBe(true);
    expect(readHeader(bytes.view, 0)).toEqual({
      eventTime: time,
      createdTime: time,
      tombstone: true,
      fingerprint,
    });
  }
});

test("a truncated or lengthened row fails its check and is never read", () => {
  const whole = Buffer.from(encode({ eventTime: 1, createdTime: 2, values: [1, "abc", 3n, ["x", "yz"], true] }));
  const reader = createRowReader(schema, view);
  const spans = new Int32Array(reader.variableCount * 2);
  expect(reader.check(rowBytes(whole), 0, whole.length, spans, 0)).toBe(RowCheck.COMPLETE);
  for (let length = 0; length < whole.length; length++) {
    const cut = rowBytes(whole.subarray(0, length));
    expect(isRow(cut.view, 0, length) && reader.check(cut, 0, length, spans, 0) !== RowCheck.BROKEN).toBe(false);
  }
  const long = Buffer.concat([whole, Buffer.from([0])]);
  expect(reader.check(rowBytes(long), 0, long.length, spans, 0)).toBe(RowCheck.BROKEN);
});
