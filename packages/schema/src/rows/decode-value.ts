import { Fault, unfit } from "../fault.ts";
import {
  type FeatureValue,
  isListType,
  type KeyType,
  type KeyValue,
  type ScalarType,
  type ScalarValue,
  scalarOf,
  type ValueType,
} from "../value-type.ts";

/** A checked value, or why it is none; `what` goes on after the field's name. */
export type DecodedValue<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly what: string; readonly remedy: string };

/** Checks one value of a fixed type. No object per value on the good path. */
export type ValueDecoder<T> = (value: unknown) => T | Fault;

/** Longest string or bytes that may be a join key, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1024;

/** Checks one feature value; null is a value, undefined is not. See {@link RowDecoder} for what each type accepts. */
export function decodeFeatureValue(type: ValueType, value: unknown): DecodedValue<FeatureValue> {
  return asResult(featureDecoder(type)(value));
}

/** Checks one join key value. null is no key; strings and bytes hold at most 1,024 bytes of UTF-8. */
export function decodeKeyValue(type: KeyType, value: unknown): DecodedValue<KeyValue> {
  return asResult(keyDecoder(type)(value));
}

/** The decoder of a feature's type, to be looked up once. */
export function featureDecoder(type: ValueType): ValueDecoder<FeatureValue> {
  const scalar = SCALARS[scalarOf(type)];
  const decoder = isListType(type) ? listDecoder(type, scalar) : scalar;
  return (value) => (value === null ? null : decoder(value));
}

/** The decoder of a join key's type, to be looked up once. */
export function keyDecoder(type: KeyType): ValueDecoder<KeyValue> {
  return KEYS[type];
}

const SCALARS: Readonly<Record<ScalarType, ValueDecoder<ScalarValue>>> = {
  int32: decodeInt32,
  int64: decodeInt64,
  float32: decodeFloat32,
  float64: decodeFloat64,
  bool: decodeBool,
  string: decodeString,
  bytes: decodeBytes,
  unix_timestamp: decodeUnixTimestamp,
};

const KEYS: Readonly<Record<KeyType, ValueDecoder<KeyValue>>> = {
  int32: notNull(decodeInt32),
  int64: notNull(decodeInt64),
  string: notNull(bounded(decodeString)),
  bytes: notNull(bounded(decodeBytes)),
  unix_timestamp: notNull(decodeUnixTimestamp),
};

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const DECIMAL = /^(?:0|-?[1-9]\d{0,18})$/;

function decodeInt32(value: unknown): number | Fault {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number") return wrongType("int32", value, "Send a whole number");
  if (!Number.isInteger(number)) return unfit(value, "not a whole number", INT32_REMEDY);
  if (number < -2147483648 || number > 2147483647) return unfit(value, "beyond int32", INT32_REMEDY);
  return number + 0;
}

const INT32_REMEDY = "Send a whole number from -2147483648 to 2147483647, or declare another type";

function decodeInt64(value: unknown): bigint | Fault {
  if (typeof value === "number") return integerOf(value, "int64");
  if (typeof value === "bigint") return inInt64(value);
  if (typeof value !== "string") return wrongType("int64", value, "Send a whole number or a decimal string");
  return DECIMAL.test(value)
    ? inInt64(BigInt(value))
    : unfit(value, "not a whole number in decimal digits", 'Send it like 42 or "42"');
}

function decodeUnixTimestamp(value: unknown): bigint | Fault {
  if (typeof value === "number") return integerOf(value, "unix_timestamp");
  if (typeof value === "bigint") return inInt64(value);
  if (!(value instanceof Date)) return wrongType("unix_timestamp", value, "Send whole seconds since 1970 as a number");
  const millis = value.getTime();
  if (millis % 1000 === 0) return BigInt(millis / 1000);
  return new Fault(
    Number.isNaN(millis) ? "is an invalid Date" : "is a Date with a fraction of a second",
    "Send whole seconds since 1970",
  );
}

function integerOf(value: number, type: string): bigint | Fault {
  if (Number.isSafeInteger(value)) return BigInt(value);
  if (!Number.isInteger(value)) return unfit(value, "not a whole number", `Send a whole ${type}`);
  return unfit(
    value,
    "a number that JavaScript no longer holds exactly",
    "Send integers beyond 2^53 as a decimal string or a bigint",
  );
}

function inInt64(value: bigint): bigint | Fault {
  if (value >= INT64_MIN && value <= INT64_MAX) return value;
  return unfit(value, "beyond int64", "Send a whole number from -2^63 to 2^63 - 1");
}

function decodeFloat32(value: unknown): number | Fault {
  const number = decodeFloat64(value);
  if (typeof number !== "number") return number;
  const rounded = Math.fround(number);
  if (Number.isFinite(rounded) || !Number.isFinite(number)) return rounded;
  return unfit(value, "beyond float32", "Send a number below 3.4e38, or declare the feature float64");
}

function decodeFloat64(value: unknown): number | Fault {
  if (typeof value === "number") return value;
  if (typeof value !== "bigint") return wrongType("a number", value, "Send a number");
  const number = Number(value);
  return Number.isFinite(number) ? number : new Fault("is an integer beyond float64", "Send a number below 1.8e308");
}

function decodeBool(value: unknown): boolean | Fault {
  return typeof value === "boolean" ? value : wrongType("bool", value, "Send true or false");
}

function decodeString(value: unknown): string | Fault {
  if (typeof value !== "string") return wrongType("a string", value, "Send text");
  return value.isWellFormed()
    ? value
    : new Fault("holds half of a surrogate pair, which is no Unicode text", "Send well-formed Unicode");
}

function decodeBytes(value: unknown): Uint8Array | Fault {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string") return wrongType("bytes", value, "Send base64 text");
  const bytes = Buffer.from(value, "base64");
  // Buffer skips what is not base64; only text that comes out again was base64.
  if (bytes.toString("base64") === value) return new Uint8Array(bytes);
  return unfit(value, "not base64", "Send standard base64 with padding, without spaces");
}

function listDecoder(type: ValueType, element: ValueDecoder<ScalarValue>): ValueDecoder<readonly ScalarValue[]> {
  return (value) => {
    if (!Array.isArray(value)) return wrongType(type, value, "Send a list");
    const source: readonly unknown[] = value;
    const list: ScalarValue[] = new Array(source.length);
    for (let i = 0; i < source.length; i++) {
      const item = source[i];
      if (item === null || item === undefined) {
        return new Fault(
          `has null at [${i}], and a list holds no nulls`,
          "Leave it out, or send null for the whole list",
        );
      }
      const decoded = element(item);
      if (decoded instanceof Fault) {
        return new Fault(`at [${i}] ${decoded.what}`, decoded.remedy, `at [${i}] ${decoded.plain}`);
      }
      list[i] = decoded;
    }
    return list;
  };
}

function notNull<T>(decoder: ValueDecoder<T>): ValueDecoder<T> {
  return (value) =>
    value === null || value === undefined
      ? new Fault(value === null ? "is null" : "is missing", "Send a value: a join key cannot be null")
      : decoder(value);
}

function bounded<T extends string | Uint8Array>(decoder: ValueDecoder<T>): ValueDecoder<T> {
  return (value) => {
    const decoded = decoder(value);
    if (decoded instanceof Fault) return decoded;
    // A UTF-16 unit is at most three bytes of UTF-8: short keys need no count.
    if (decoded.length * 3 <= MAX_KEY_BYTES) return decoded;
    const bytes = typeof decoded === "string" ? Buffer.byteLength(decoded) : decoded.length;
    return bytes <= MAX_KEY_BYTES
      ? decoded
      : new Fault(`is ${bytes} bytes long`, `Use join keys of at most ${MAX_KEY_BYTES} bytes of UTF-8`);
  };
}

function wrongType(type: string, value: unknown, remedy: string): Fault {
  if (value === undefined) return new Fault("is missing", remedy);
  return unfit(value, `not ${type}`, remedy);
}

function asResult<T>(decoded: T | Fault): DecodedValue<T> {
  return decoded instanceof Fault
    ? { ok: false, what: decoded.what, remedy: decoded.remedy }
    : { ok: true, value: decoded };
}
