import { isListType, type ScalarType, scalarOf, type ValueType } from "@larder/schema";
import type { RowSchema } from "./row-schema.ts";

/**
 * The packed row, byte by byte (version 1):
 *
 * | bytes  | what                                                                                   |
 * |--------|----------------------------------------------------------------------------------------|
 * | 0-6    | event time, microseconds + 2^55, unsigned big-endian                                   |
 * | 7-13   | created time, the same; all zero when absent                                           |
 * | 14     | bit 7: tombstone; bits 0-6: version of the layout                                      |
 * | 15     | number of features of the schema, at most 255: of equal times, more features are newer |
 * | 16-19  | fingerprint of the schema, big-endian; a tombstone ends here                           |
 * | 20-    | two bits per feature, low bits first: 0 absent, 1 null, 2 value                        |
 * | then   | one slot per fixed-width feature, little-endian, zero unless its state is value        |
 * | then   | per feature of variable width whose state is value: length (LEB128), then its bytes     |
 *
 * The order is the contract's rule 1: of two rows of one key, the greater as unsigned bytes is the newer. Every store may compare bytes.
 */
export const ROW_VERSION = 1;

/** Bytes of times, tombstone bit and version: rows equal in them differ only by their values. */
export const ORDER_PREFIX = 15;

/** Bytes before the states. */
export const HEADER_BYTES = 20;

/** Added to a time before it is stored, so that unsigned order is time order. */
export const TIME_BIAS_HIGH = 2 ** 31;

/** State of a feature in a row. */
export const State = { ABSENT: 0, NULL: 1, VALUE: 2 } as const;

/** Where one feature stands in a packed row. */
export interface FieldLayout {
  readonly name: string;
  readonly type: ValueType;
  readonly scalar: ScalarType;
  readonly list: boolean;
  /** Byte and shift of its two state bits. */
  readonly stateByte: number;
  readonly stateShift: number;
  /** Offset of its slot, or -1 for a feature of variable width. */
  readonly fixedOffset: number;
  /** Rank among the features of variable width, or -1. */
  readonly variable: number;
}

/** The layout of all rows of one schema. */
export interface RowLayout {
  readonly fields: readonly FieldLayout[];
  /** First byte after the states. */
  readonly statesEnd: number;
  /** The last byte of the states when all of them are value. */
  readonly lastStates: number;
  /** First byte of the variable part. */
  readonly variableStart: number;
  readonly variableFields: readonly FieldLayout[];
}

const WIDTH: Readonly<Record<ScalarType, number>> = {
  int32: 4,
  int64: 8,
  float32: 4,
  float64: 8,
  bool: 1,
  unix_timestamp: 8,
  string: 0,
  bytes: 0,
};

/** Bytes of one scalar, 0 where it varies. */
export function widthOf(scalar: ScalarType): number {
  return WIDTH[scalar];
}

/** Computes the layout of a schema. */
export function layoutOf(schema: RowSchema): RowLayout {
  const statesEnd = HEADER_BYTES + Math.ceil(schema.features.length / 4);
  let offset = statesEnd;
  let variable = 0;
  const fields = schema.features.map(({ name, type }, index): FieldLayout => {
    const scalar = scalarOf(type);
    const list = isListType(type);
    const width = list ? 0 : widthOf(scalar);
    const field = {
      name,
      type,
      scalar,
      list,
      stateByte: HEADER_BYTES + (index >> 2),
      stateShift: (index & 3) * 2,
      fixedOffset: width === 0 ? -1 : offset,
      variable: width === 0 ? variable++ : -1,
    };
    offset += width;
    return field;
  });
  const lastStates = 0xaa & (0xff >> ((4 - (fields.length % 4 || 4)) * 2));
  return {
    fields,
    statesEnd,
    lastStates,
    variableStart: offset,
    variableFields: fields.filter((field) => field.variable >= 0),
  };
}
