import type { FeatureValue, FeatureView, ScalarValue, ValueType } from "@larder/schema";
import { type FieldLayout, HEADER_BYTES, layoutOf, ROW_VERSION, type RowLayout, State, widthOf } from "./row-layout.ts";
import { type RowSchema, sameEntity, schemaOf } from "./row-schema.ts";

/** Bytes of one buffer, readable as numbers. */
export interface RowBytes {
  readonly buffer: Buffer;
  readonly view: DataView;
}

/** What the header of a row says. */
export interface RowHeader {
  readonly eventTime: number;
  readonly createdTime: number | undefined;
  readonly tombstone: boolean;
  readonly fingerprint: number;
}

/** Wraps bytes for reading, without copying them. */
export function rowBytes(bytes: Uint8Array): RowBytes {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { buffer, view: new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength) };
}

/** True when `length` bytes at `at` start with the header of a row this version knows. */
export function isRow(view: DataView, at: number, length: number): boolean {
  if (length < HEADER_BYTES) return false;
  const kind = view.getUint8(at + 14);
  if ((kind & 0x7f) !== ROW_VERSION || (kind >= 0x80 && length !== HEADER_BYTES)) return false;
  return isTime(view.getUint32(at)) && (isTime(view.getUint32(at + 7)) || readCreatedTime(view, at) === undefined);
}

/** The header of a row that {@link isRow}. */
export function readHeader(view: DataView, at: number): RowHeader {
  return {
    eventTime: readEventTime(view, at),
    createdTime: readCreatedTime(view, at),
    tombstone: isTombstone(view, at),
    fingerprint: readFingerprint(view, at),
  };
}

/** Microseconds since the epoch of the event time of the row at `at`. */
export function readEventTime(view: DataView, at: number): number {
  return readTime(view, at);
}

/** Microseconds since the epoch of the created time of the row at `at`; undefined when the row has none. */
export function readCreatedTime(view: DataView, at: number): number | undefined {
  return view.getUint32(at + 7) === 0 && (view.getUint32(at + 10) & 0xffffff) === 0
    ? undefined
    : readTime(view, at + 7);
}

/** True when the row at `at` is a tombstone. */
export function isTombstone(view: DataView, at: number): boolean {
  return view.getUint8(at + 14) >= 0x80;
}

/** Fingerprint of the schema of the row at `at`. */
export function readFingerprint(view: DataView, at: number): number {
  return view.getUint32(at + 16);
}

/**
 * Reads rows written with one schema on behalf of a view that may have another: `fields[i]` is where feature `i` of the view stands in the row,
 * undefined where the row does not have it, or has it under another type.
 */
export interface RowReader {
  readonly fields: readonly (FieldLayout | undefined)[];
  /** The row is of another view or entity: nothing of it may be read. */
  readonly foreign: boolean;
  /** Names of the features that the row has under another type. */
  readonly retyped: readonly string[];
  /** Names of the features that its schema does not have. */
  readonly lacking: readonly string[];
  /** How many offsets {@link check} writes per row. */
  readonly variableCount: number;
  /**
   * Says whether `length` bytes at `at` are a whole row of this schema; reading is then free of bounds checks. Writes where each variable value
   * starts, relative to the buffer, and its length, as pairs into `spans` from `spanAt` on.
   */
  check(bytes: RowBytes, at: number, length: number, spans: Int32Array, spanAt: number): RowCheck;
}

/** COMPLETE: a whole row whose every state is value. WHOLE: a whole row. BROKEN: bytes that must not be read. */
export const RowCheck = { BROKEN: 0, WHOLE: 1, COMPLETE: 2 } as const;
export type RowCheck = (typeof RowCheck)[keyof typeof RowCheck];

/** Compiles the reader of rows of `stored` for `view`. */
export function createRowReader(stored: RowSchema, view: FeatureView): RowReader {
  const layout = layoutOf(stored);
  const foreign = !sameEntity(stored, schemaOf(view));
  const byName = new Map(layout.fields.map((field) => [field.name, field]));
  const retyped: string[] = [];
  const lacking: string[] = [];
  const fields = view.features.map(({ name, type }) => {
    const field = foreign ? undefined : byName.get(name);
    if (field === undefined) lacking.push(name);
    else if (field.type !== type) retyped.push(name);
    return field?.type === type ? field : undefined;
  });
  return {
    fields,
    foreign,
    retyped,
    lacking,
    variableCount: layout.variableFields.length,
    check: (bytes, at, length, spans, spanAt) => checkRow(layout, bytes, at, length, spans, spanAt),
  };
}

/** State of a field in the row at `at`. */
export function readState({ buffer }: RowBytes, at: number, field: FieldLayout): number {
  return ((buffer[at + field.stateByte] as number) >> field.stateShift) & 3;
}

/** Value of a fixed-width field in the row at `at`. */
export function readFixed(bytes: RowBytes, at: number, field: FieldLayout): ScalarValue {
  return readScalar(bytes, at + field.fixedOffset, widthOf(field.scalar), field);
}

/** Value of a variable-width field from the span that `check` found. */
export function readVariable(bytes: RowBytes, start: number, length: number, field: FieldLayout): FeatureValue {
  if (!field.list) return readScalar(bytes, start, length, field);
  const items: ScalarValue[] = [];
  const width = widthOf(field.scalar);
  for (let at = start; at < start + length; ) {
    let size = width;
    if (width === 0) {
      const prefix = readLength(bytes.buffer, at, start + length);
      size = prefix.length;
      at = prefix.next;
    }
    items.push(readScalar(bytes, at, size, field));
    at += size;
  }
  return items;
}

function readScalar({ buffer, view }: RowBytes, at: number, length: number, field: FieldLayout): ScalarValue {
  switch (field.scalar) {
    case "float32":
      return view.getFloat32(at, true);
    case "float64":
      return view.getFloat64(at, true);
    case "int32":
      return view.getInt32(at, true);
    case "int64":
    case "unix_timestamp":
      return view.getBigInt64(at, true);
    case "bool":
      return buffer[at] === 1;
    case "string":
      return buffer.toString("utf8", at, at + length);
    case "bytes":
      return new Uint8Array(buffer.subarray(at, at + length));
  }
}

function checkRow(
  layout: RowLayout,
  bytes: RowBytes,
  at: number,
  length: number,
  spans: Int32Array,
  spanAt: number,
): RowCheck {
  if (length < layout.variableStart) return RowCheck.BROKEN;
  const { buffer } = bytes;
  let complete = true;
  for (let i = HEADER_BYTES; i < layout.statesEnd; i++) {
    const states = buffer[at + i] as number;
    // Both bits of a pair set is no state.
    if ((states & (states >> 1) & 0x55) !== 0) return RowCheck.BROKEN;
    complete &&= states === (i + 1 < layout.statesEnd ? 0xaa : layout.lastStates);
  }
  if (layout.variableFields.length === 0) {
    if (length !== layout.variableStart) return RowCheck.BROKEN;
    return complete ? RowCheck.COMPLETE : RowCheck.WHOLE;
  }
  const end = at + length;
  let next = at + layout.variableStart;
  for (let i = 0; i < layout.variableFields.length; i++) {
    const field = layout.variableFields[i] as FieldLayout;
    if (readState(bytes, at, field) !== State.VALUE) continue;
    const { length: size, next: start } = readLength(buffer, next, end);
    if (start < 0 || size > end - start) return RowCheck.BROKEN;
    if (field.list && !checkList(buffer, start, size, field)) return RowCheck.BROKEN;
    spans[spanAt + 2 * i] = start;
    spans[spanAt + 2 * i + 1] = size;
    next = start + size;
  }
  if (next !== end) return RowCheck.BROKEN;
  return complete ? RowCheck.COMPLETE : RowCheck.WHOLE;
}

function checkList(buffer: Buffer, start: number, length: number, field: FieldLayout): boolean {
  const width = widthOf(field.scalar);
  if (width > 0) return length % width === 0;
  const end = start + length;
  let at = start;
  while (at < end) {
    const size = readLength(buffer, at, end);
    if (size.next < 0 || size.length > end - size.next) return false;
    at = size.next + size.length;
  }
  return at === end;
}

/** LEB128 of at most five bytes; `next` is -1 when it does not end before `end`. One object, reused: read it before the next call. */
const lengthAnswer = { length: 0, next: 0 };

function readLength(buffer: Buffer, start: number, end: number): { readonly length: number; readonly next: number } {
  let length = 0;
  let scale = 1;
  for (let at = start; at < end && at < start + 5; at++) {
    const byte = buffer[at] as number;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      lengthAnswer.length = length;
      lengthAnswer.next = at + 1;
      return lengthAnswer;
    }
    scale *= 0x80;
  }
  lengthAnswer.next = -1;
  return lengthAnswer;
}

/** High word of a biased time with |t| <= 2^53. */
function isTime(high: number): boolean {
  return high >= 0x60000000 && high < 0xa0000000;
}

function readTime(view: DataView, at: number): number {
  return (view.getUint32(at) - 0x80000000) * 0x1000000 + (view.getUint32(at + 3) & 0xffffff);
}

/** True for types that `fillFloat32` takes. */
export function isNumeric(type: ValueType): boolean {
  return !type.startsWith("list<") && type !== "string" && type !== "bytes";
}
