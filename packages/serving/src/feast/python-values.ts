import { formatTime, isLarderError, isListType, parseTime, type ScalarType, type ValueType } from "@larder/schema";
import { pythonError, pythonText } from "./feast-refusal.ts";

/** Makes of a JSON value what Feast makes of it before it looks at the type; what it cannot is left to Larder's own check. */
export type Coercion = (value: unknown) => unknown;

/**
 * How Feast's server takes the values of a type: 7.9 and "7" are the integer 7, true is 1, 5 is the text "5", any number is a bool.
 * @throws (the coercion) FeastRefusal with Python's message
 */
export function coercionOf(type: ValueType): Coercion {
  return isListType(type) ? asItIs : COERCIONS[type];
}

/**
 * A time of a row: a bare number counts nanoseconds, as pandas has it.
 * @throws FeastRefusal where a text is no time; `row` is where it stands
 */
export function coerceTime(value: unknown, row: number): unknown {
  if (typeof value === "number" && Number.isSafeInteger(value)) return formatTime(Math.floor(value / 1000));
  if (typeof value === "bigint") return formatTime(Number(value / 1000n));
  if (typeof value !== "string") return value;
  try {
    parseTime(value);
  } catch (error) {
    if (!isLarderError(error)) throw error;
    throw pythonError(`Unknown datetime string format, unable to parse: ${value}, at position ${row}`, "INVALID_ROWS");
  }
  return value;
}

const asItIs: Coercion = (value) => value;

const COERCIONS: Readonly<Record<ScalarType, Coercion>> = {
  int32: (value) => inRange(pythonInt(value), 31n),
  int64: (value) => inRange(pythonInt(value), 63n),
  unix_timestamp: (value) => (typeof value === "number" ? value : pythonInt(value)),
  float32: pythonFloat,
  float64: asItIs,
  bool: (value) => (typeof value === "number" ? value !== 0 : typeof value === "bigint" ? value !== 0n : value),
  string: pythonStr,
  bytes: (value) => {
    if (typeof value !== "string") return value;
    throw pythonError("Type `<class 'str'>` not in {<class 'bytes'>}", "INVALID_ROWS");
  },
};

const INTEGER = /^\s*[+-]?\d+(?:_\d+)*\s*$/;

function pythonInt(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? value : Math.trunc(value) + 0;
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "string") return value;
  if (INTEGER.test(value)) return BigInt(value.trim().replaceAll("_", "").replace(/^\+/, ""));
  throw pythonError(`invalid literal for int() with base 10: ${pythonText(value)}`);
}

function inRange(value: unknown, bits: bigint): unknown {
  if (typeof value !== "bigint" && !(typeof value === "number" && Number.isInteger(value))) return value;
  const integer = BigInt(value);
  if (integer >= -(2n ** bits) && integer < 2n ** bits) return value;
  throw pythonError(`Value out of range: ${integer}`);
}

const FLOAT = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

function pythonFloat(value: unknown): unknown {
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "string") return value;
  if (FLOAT.test(value)) return Number(value);
  throw pythonError(`could not convert string to float: ${pythonText(value)}`);
}

function pythonStr(value: unknown): unknown {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  return value;
}
