/** The value types of one feature value or join key. */
export const SCALAR_TYPES = [
  "int32",
  "int64",
  "float32",
  "float64",
  "bool",
  "string",
  "bytes",
  "unix_timestamp",
] as const;

/** A value type without lists. */
export type ScalarType = (typeof SCALAR_TYPES)[number];

/** A feature's declared type: a scalar or a list of scalars. */
export type ValueType = ScalarType | `list<${ScalarType}>`;

/** The types a join key may have: those with one exact text form (floats and bools have none that users expect). */
export const KEY_TYPES = [
  "int32",
  "int64",
  "string",
  "bytes",
  "unix_timestamp",
] as const satisfies readonly ScalarType[];

/** A join key's declared type. */
export type KeyType = (typeof KEY_TYPES)[number];

/**
 * One value inside Larder, after its edge has checked it:
 * int32, float32, float64 are `number` (float32 already rounded by `Math.fround`), int64 and unix_timestamp (epoch seconds) are `bigint`,
 * bool is `boolean`, string is a well-formed `string`, bytes is `Uint8Array`.
 */
export type ScalarValue = number | bigint | boolean | string | Uint8Array;

/** A feature's value inside Larder; `null` is a value (NULL_VALUE). */
export type FeatureValue = ScalarValue | readonly ScalarValue[] | null;

/** A join key's value inside Larder, in the representation of {@link ScalarValue}. */
export type KeyValue = number | bigint | string | Uint8Array;

/** The scalar inside a type: `float32` for both `float32` and `list<float32>`. */
export function scalarOf(type: ValueType): ScalarType {
  return (type.startsWith("list<") ? type.slice(5, -1) : type) as ScalarType;
}

/** True for `list<…>`. */
export function isListType(type: ValueType): type is `list<${ScalarType}>` {
  return type.startsWith("list<");
}
