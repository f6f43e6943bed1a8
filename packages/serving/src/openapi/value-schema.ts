import { isListType, type ScalarType, scalarOf, type ValueType } from "@larder/schema";

/** A JSON value under construction. */
export type Json = { readonly [member: string]: unknown };

const MAX_FLOAT32 = 3.4028234663852886e38;

/** What JSON takes for each type. Integers beyond 2^53 need a parser that keeps them exact, or go as decimal strings. */
const REQUESTS: Readonly<Record<ScalarType, Json>> = {
  int32: { type: "integer", format: "int32", minimum: -2147483648, maximum: 2147483647 },
  int64: {
    type: ["integer", "string"],
    format: "int64",
    minimum: Number.MIN_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
    pattern: "^(?:0|-?[1-9][0-9]{0,17})$",
  },
  float32: { type: "number", format: "float", minimum: -MAX_FLOAT32, maximum: MAX_FLOAT32 },
  float64: { type: "number", format: "double" },
  bool: { type: "boolean" },
  string: { type: "string" },
  bytes: { type: "string", format: "byte", contentEncoding: "base64" },
  unix_timestamp: {
    type: "integer",
    minimum: Number.MIN_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Whole seconds since 1970.",
  },
};

const EXAMPLES: Readonly<Record<ScalarType, unknown>> = {
  int32: 1,
  int64: 1,
  float32: 0.5,
  float64: 0.5,
  bool: true,
  string: "a",
  bytes: "AAE=",
  unix_timestamp: 1_700_000_000,
};

/** A value of a type in a request. `null` where the schema is to take it, too. */
export function requestValue(type: ValueType, options: { readonly nullable?: boolean } = {}): Json {
  const scalar = REQUESTS[scalarOf(type)];
  const schema = isListType(type) ? { type: "array", items: scalar } : scalar;
  return options.nullable === true ? { anyOf: [schema, { type: "null" }] } : schema;
}

/** A value that a type takes. */
export function exampleValue(type: ValueType): unknown {
  const scalar = EXAMPLES[scalarOf(type)];
  return isListType(type) ? [scalar] : scalar;
}
