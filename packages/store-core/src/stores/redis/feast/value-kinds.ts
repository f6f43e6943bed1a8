import { type ScalarType, scalarOf, type ValueType } from "@larder/schema";
import { WireType } from "./wire.ts";

/** How `feast.types.Value` (protos/feast/types/Value.proto) holds values of one type. */
export interface ValueKind {
  readonly scalar: ScalarType;
  readonly list: boolean;
  /** Number of the oneof's field. */
  readonly field: number;
  /** Layout of one scalar, also inside a list. */
  readonly wireType: WireType;
}

const SCALARS: Readonly<Record<ScalarType, readonly [field: number, wireType: WireType]>> = {
  bytes: [1, WireType.LEN],
  string: [2, WireType.LEN],
  int32: [3, WireType.VARINT],
  int64: [4, WireType.VARINT],
  float64: [5, WireType.I64],
  float32: [6, WireType.I32],
  bool: [7, WireType.VARINT],
  unix_timestamp: [8, WireType.VARINT],
};

/** A list of a scalar has the scalar's number plus this. */
const LIST = 10;

/** Number of `null_val`: a null that says so. Feast writes an empty message instead. */
export const NULL_FIELD = 19;

const kinds = new Map<ValueType, ValueKind>();

/** The kind of a value type: one object per type. */
export function kindOf(type: ValueType): ValueKind {
  const known = kinds.get(type);
  if (known !== undefined) return known;
  const scalar = scalarOf(type);
  const list = scalar !== type;
  const [field, wireType] = SCALARS[scalar];
  const kind = { scalar, list, field: list ? field + LIST : field, wireType };
  kinds.set(type, kind);
  return kind;
}

/** Whether Feast 0.67 has a kind of value under this number. */
export function isFeastField(field: number): boolean {
  return (field >= 1 && field <= 8) || (field >= 11 && field <= 29) || (field >= 32 && field <= 48);
}
