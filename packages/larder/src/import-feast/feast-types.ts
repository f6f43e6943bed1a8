import { KEY_TYPES, type KeyType, type ScalarType, type ValueType } from "@larder/schema";

/** Scalars of feast.types.ValueType.Enum that Larder has; a list of each has its number and 10. */
const SCALARS: Readonly<Record<number, ScalarType>> = {
  1: "bytes",
  2: "string",
  3: "int32",
  4: "int64",
  5: "float64",
  6: "float32",
  7: "bool",
  8: "unix_timestamp",
};

/** The other types of ValueType.Enum, for messages. */
const OTHERS: Readonly<Record<number, string>> = {
  0: "INVALID",
  19: "NULL",
  20: "MAP",
  21: "MAP_LIST",
  22: "BYTES_SET",
  23: "STRING_SET",
  24: "INT32_SET",
  25: "INT64_SET",
  26: "DOUBLE_SET",
  27: "FLOAT_SET",
  28: "BOOL_SET",
  29: "UNIX_TIMESTAMP_SET",
  30: "PDF_BYTES",
  31: "IMAGE_BYTES",
  32: "JSON",
  33: "JSON_LIST",
  34: "STRUCT",
  35: "STRUCT_LIST",
  36: "UUID",
  37: "TIME_UUID",
  38: "UUID_LIST",
  39: "TIME_UUID_LIST",
  40: "UUID_SET",
  41: "TIME_UUID_SET",
  42: "VALUE_LIST",
  43: "VALUE_SET",
  44: "DECIMAL",
  45: "DECIMAL_LIST",
  46: "DECIMAL_SET",
  47: "SCALAR_MAP",
  48: "ZONED_TIMESTAMP",
};

/** Larder's type for one of Feast's; undefined for those it does not have. */
export function valueTypeOf(feast: number): ValueType | undefined {
  const scalar = SCALARS[feast];
  if (scalar !== undefined) return scalar;
  const item = feast > 10 && feast <= 18 ? SCALARS[feast - 10] : undefined;
  return item === undefined ? undefined : `list<${item}>`;
}

/** The same for a join key. */
export function keyTypeOf(feast: number): KeyType | undefined {
  const scalar = SCALARS[feast];
  return KEY_TYPES.find((type) => type === scalar);
}

/** What Feast calls a type, for messages. */
export function feastTypeName(feast: number): string {
  return OTHERS[feast] ?? valueTypeOf(feast) ?? `number ${feast}`;
}
