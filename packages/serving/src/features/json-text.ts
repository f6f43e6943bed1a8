import {
  type FeatureValue,
  isListType,
  type ScalarType,
  type ScalarValue,
  scalarOf,
  type ValueType,
} from "@larder/schema";

/** Writes one value as JSON text. */
export type ValueWriter = (value: FeatureValue) => string;

/**
 * The writer of a type's values: int64 as a raw number of any length, float32 widened to float64 as Feast does, NaN and infinities as null,
 * bytes as base64, unix_timestamp as epoch seconds. Chosen once per column, so that no value asks for its type.
 */
export function valueWriter(type: ValueType): ValueWriter {
  return writerOf(type, SCALAR_WRITERS);
}

/** As {@link valueWriter}, with NaN, infinities and whole floats as Feast's server writes them: "NaN", "Infinity", 1.0. */
export function feastValueWriter(type: ValueType): ValueWriter {
  return writerOf(type, FEAST_WRITERS);
}

function writerOf(type: ValueType, writers: Readonly<Record<ScalarType, (value: ScalarValue) => string>>): ValueWriter {
  const scalar = writers[scalarOf(type)];
  if (!isListType(type)) return (value) => (value === null ? "null" : scalar(value as ScalarValue));
  return (value) => (value === null ? "null" : `[${(value as readonly ScalarValue[]).map(scalar).join(",")}]`);
}

/** JSON has no NaN and no infinity; everything finite keeps its shortest exact form, -0 its sign. */
export function numberText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  return Number.isFinite(value) ? `${value}` : "null";
}

const plain = (value: ScalarValue): string => `${value}`;
const float = (value: ScalarValue): string => numberText(value as number);

const SCALAR_WRITERS: Readonly<Record<ScalarType, (value: ScalarValue) => string>> = {
  int32: plain,
  int64: plain,
  unix_timestamp: plain,
  bool: plain,
  float32: float,
  float64: float,
  string: (value) => JSON.stringify(value),
  bytes: (value) => {
    const { buffer, byteOffset, byteLength } = value as Uint8Array;
    return `"${Buffer.from(buffer, byteOffset, byteLength).toString("base64")}"`;
  },
};

/** A Python reader tells 1.0 from 1. */
function feastFloat(value: ScalarValue): string {
  const number = value as number;
  if (!Number.isFinite(number)) return `"${number}"`;
  const text = numberText(number);
  return Number.isInteger(number) && !text.includes("e") ? `${text}.0` : text;
}

const FEAST_WRITERS: typeof SCALAR_WRITERS = { ...SCALAR_WRITERS, float32: feastFloat, float64: feastFloat };
