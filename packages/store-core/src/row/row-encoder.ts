import { type FeatureRow, type FeatureValue, LarderError, MAX_ONLINE_MICROS, type ScalarValue } from "@larder/schema";
import {
  type FieldLayout,
  HEADER_BYTES,
  ROW_VERSION,
  type RowLayout,
  State,
  TIME_BIAS_HIGH,
  widthOf,
} from "./row-layout.ts";

/** Packs rows of one schema. The answer is a buffer of its own. */
export type RowEncoder = (row: Pick<FeatureRow, "eventTime" | "createdTime" | "values">) => Uint8Array;

/** Compiles the encoder of a layout. It reuses one scratch buffer, so it must not be shared between threads. */
export function createRowEncoder(layout: RowLayout, fingerprint: number): RowEncoder {
  let scratch: Buffer = Buffer.alloc(Math.max(512, layout.variableStart * 2));

  return ({ eventTime, createdTime, values }) => {
    writeTime(scratch, 0, eventTime);
    if (createdTime === undefined) scratch.fill(0, 7, 14);
    else writeTime(scratch, 7, createdTime);
    scratch[15] = Math.min(255, layout.fields.length);
    scratch.writeUInt32BE(fingerprint, 16);
    if (values === undefined) {
      scratch[14] = 0x80 | ROW_VERSION;
      return Buffer.from(scratch.subarray(0, HEADER_BYTES));
    }
    scratch[14] = ROW_VERSION;
    scratch.fill(0, HEADER_BYTES, layout.variableStart);
    let end = layout.variableStart;
    for (let i = 0; i < layout.fields.length; i++) {
      const field = layout.fields[i] as FieldLayout;
      const value = values[i];
      if (value === undefined) continue;
      setState(scratch, field, value === null ? State.NULL : State.VALUE);
      if (value === null) continue;
      if (field.fixedOffset >= 0) {
        writeScalar(scratch, field.fixedOffset, field, value as ScalarValue);
      } else {
        const size = sizeOf(field, value);
        scratch = grown(scratch, end + 5 + size);
        end = writeVariable(scratch, writeLength(scratch, end, size), field, value);
      }
    }
    return Buffer.from(scratch.subarray(0, end));
  };
}

/** 56 bits, biased by 2^55: the high 32 bits, then the low 24. */
function writeTime(buffer: Buffer, offset: number, micros: number): void {
  if (!(Math.abs(micros) <= MAX_ONLINE_MICROS)) {
    throw new LarderError("INTERNAL", {
      what: `A row reached the encoder with the time ${micros}`,
      remedy: "Report this: row decoders refuse such times",
    });
  }
  const high = Math.floor(micros / 0x1000000);
  buffer.writeUInt32BE(high + TIME_BIAS_HIGH, offset);
  buffer.writeUIntBE(micros - high * 0x1000000, offset + 4, 3);
}

function setState(buffer: Buffer, field: FieldLayout, state: number): void {
  buffer[field.stateByte] = (buffer[field.stateByte] as number) | (state << field.stateShift);
}

function writeScalar(buffer: Buffer, offset: number, field: FieldLayout, value: ScalarValue): number {
  switch (field.scalar) {
    case "float32":
      // One bit pattern for NaN, so that equal values have equal bytes.
      if (Number.isNaN(value)) return buffer.writeUInt32LE(0x7fc00000, offset);
      return buffer.writeFloatLE(value as number, offset);
    case "float64":
      if (Number.isNaN(value)) return buffer.writeBigUInt64LE(0x7ff8000000000000n, offset);
      return buffer.writeDoubleLE(value as number, offset);
    case "int32":
      return buffer.writeInt32LE(value as number, offset);
    case "int64":
    case "unix_timestamp":
      return buffer.writeBigInt64LE(value as bigint, offset);
    case "bool":
      buffer[offset] = value === true ? 1 : 0;
      return offset + 1;
    case "string":
      return offset + buffer.write(value as string, offset, "utf8");
    case "bytes":
      buffer.set(value as Uint8Array, offset);
      return offset + (value as Uint8Array).byteLength;
  }
}

function sizeOf(field: FieldLayout, value: Exclude<FeatureValue, null>): number {
  if (!field.list) return scalarSize(value as ScalarValue);
  const items = value as readonly ScalarValue[];
  const width = widthOf(field.scalar);
  if (width > 0) return items.length * width;
  let size = 0;
  for (const item of items) {
    const bytes = scalarSize(item);
    size += lengthSize(bytes) + bytes;
  }
  return size;
}

function scalarSize(value: ScalarValue): number {
  return typeof value === "string" ? Buffer.byteLength(value, "utf8") : (value as Uint8Array).byteLength;
}

function writeVariable(buffer: Buffer, offset: number, field: FieldLayout, value: Exclude<FeatureValue, null>): number {
  if (!field.list) return writeScalar(buffer, offset, field, value as ScalarValue);
  let at = offset;
  for (const item of value as readonly ScalarValue[]) {
    if (widthOf(field.scalar) === 0) at = writeLength(buffer, at, scalarSize(item));
    at = writeScalar(buffer, at, field, item);
  }
  return at;
}

function lengthSize(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x200000 ? 3 : length < 0x10000000 ? 4 : 5;
}

function writeLength(buffer: Buffer, offset: number, length: number): number {
  let at = offset;
  let rest = length;
  while (rest >= 0x80) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[at++] = rest;
  return at;
}

function grown(buffer: Buffer, needed: number): Buffer {
  if (needed <= buffer.length) return buffer;
  const larger = Buffer.alloc(needed * 2);
  buffer.copy(larger);
  return larger;
}
