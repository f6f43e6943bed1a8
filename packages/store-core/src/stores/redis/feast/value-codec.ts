import type { FeatureValue, ScalarValue } from "@larder/schema";
import { isFeastField, kindOf, NULL_FIELD, type ValueKind } from "./value-kinds.ts";
import { tagOf, varintOf, WireReader, WireType } from "./wire.ts";

/** What a value's bytes are when they are no value of the kind: of another kind of Feast's, or not to be understood at all. */
export const OTHER_KIND = Symbol("a value of another kind");
export const BROKEN = Symbol("no value");

/**
 * The bytes of a `feast.types.Value`. null is the empty message; every other value stands in the oneof, so 0, false, "" and an empty list are
 * written. Feast's own writer turns NaN and empty bytes into null; here they stay values (`35 0000c07f`, `0a00`), which Feast reads as such.
 */
export function encodeValue(kind: ValueKind, value: FeatureValue): Buffer {
  if (value === null) return NOTHING;
  if (!kind.list) {
    return Buffer.concat([varintOf(tagOf(kind.field, kind.wireType)), scalarBytes(kind, value as ScalarValue)]);
  }
  const message = listMessage(kind, value as readonly ScalarValue[]);
  return Buffer.concat([varintOf(tagOf(kind.field, WireType.LEN)), varintOf(message.length), message]);
}

const reader = new WireReader();
const FLOAT = kindOf("float32");
const DOUBLE = kindOf("float64");

/**
 * Reads a `feast.types.Value` of one kind from any bytes. A message with several fields, which Feast never writes, and numbers that do not fit
 * their type are {@link BROKEN}: nothing is guessed or cut.
 */
export function decodeValue(
  kind: ValueKind,
  buffer: Buffer,
  start: number,
  end: number,
): FeatureValue | typeof OTHER_KIND | typeof BROKEN {
  if (start === end) return null;
  // By far the most frequent kinds, the short way: a tag and the number.
  if (kind === FLOAT && end - start === 5 && buffer[start] === 0x35) return buffer.readFloatLE(start + 1);
  if (kind === DOUBLE && end - start === 9 && buffer[start] === 0x29) return buffer.readDoubleLE(start + 1);
  reader.open(buffer, start, end);
  const tag = reader.varint();
  const field = tag >>> 3;
  let value: FeatureValue | typeof OTHER_KIND;
  if (field === kind.field && (tag & 7) === (kind.list ? WireType.LEN : kind.wireType)) {
    value = kind.list ? readList(kind) : readScalar(kind);
  } else if (field !== kind.field && isFeastField(field)) {
    reader.skip(tag & 7);
    value = field === NULL_FIELD ? null : OTHER_KIND;
  } else {
    return BROKEN;
  }
  return reader.broken || reader.more ? BROKEN : value;
}

const NOTHING = Buffer.alloc(0);

/** `repeated … val = 1`. */
const ITEM = 1;

function scalarBytes({ scalar }: ValueKind, value: ScalarValue): Buffer {
  switch (scalar) {
    case "int32":
    case "int64":
    case "unix_timestamp":
      return varintOf(value as number | bigint);
    case "bool":
      return Buffer.of(value === true ? 1 : 0);
    case "float32": {
      const bytes = Buffer.alloc(4);
      // One bit pattern for NaN, so that equal values have equal bytes.
      if (Number.isNaN(value)) bytes.writeUInt32LE(0x7fc00000);
      else bytes.writeFloatLE(value as number);
      return bytes;
    }
    case "float64": {
      const bytes = Buffer.alloc(8);
      if (Number.isNaN(value)) bytes.writeBigUInt64LE(0x7ff8000000000000n);
      else bytes.writeDoubleLE(value as number);
      return bytes;
    }
    case "string": {
      const text = Buffer.from(value as string, "utf8");
      return Buffer.concat([varintOf(text.length), text]);
    }
    case "bytes":
      return Buffer.concat([varintOf((value as Uint8Array).length), value as Uint8Array]);
  }
}

/** Numbers are packed behind one tag; texts and bytes have a tag each. */
function listMessage(kind: ValueKind, items: readonly ScalarValue[]): Buffer {
  if (items.length === 0) return NOTHING;
  const each = items.map((item) => scalarBytes(kind, item));
  const tag = Buffer.of(tagOf(ITEM, WireType.LEN));
  if (kind.wireType === WireType.LEN) return Buffer.concat(each.flatMap((item) => [tag, item]));
  const packed = Buffer.concat(each);
  return Buffer.concat([tag, varintOf(packed.length), packed]);
}

function readScalar({ scalar }: ValueKind): ScalarValue {
  switch (scalar) {
    case "int32":
      return reader.int32();
    case "int64":
    case "unix_timestamp":
      return reader.int64();
    case "bool":
      return reader.bool();
    case "float32":
      return reader.float32();
    case "float64":
      return reader.float64();
    case "string":
      return reader.string();
    case "bytes":
      return reader.bytes();
  }
}

/** Packed or not: protobuf's readers take numbers both ways. */
function readList(kind: ValueKind): readonly ScalarValue[] {
  const items: ScalarValue[] = [];
  const outer = reader.enter();
  while (reader.more) {
    const tag = reader.varint();
    if (tag === tagOf(ITEM, kind.wireType)) {
      items.push(readScalar(kind));
    } else if (tag === tagOf(ITEM, WireType.LEN)) {
      const end = reader.enter();
      while (reader.more) items.push(readScalar(kind));
      reader.leave(end);
    } else {
      reader.broken = true;
    }
  }
  reader.leave(outer);
  return items;
}
