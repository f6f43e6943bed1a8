import { type FeatureValue, type ScalarType, type ScalarValue, scalarOf, type ValueType } from "@larder/schema";
import type { TensorData, TensorType } from "./model-runner.ts";

/**
 * Which feature types feed which tensor types. `always` is exact for every value; `checked` is judged per value, and a value that would change is
 * refused with its row. What is not listed is refused when the model is loaded. A list goes by the type of its elements.
 */
const FEEDS: Readonly<Record<TensorType, Readonly<Partial<Record<ScalarType, "always" | "checked">>>>> = {
  float32: { float32: "always", bool: "always", int32: "checked", int64: "checked", float64: "checked" },
  float64: {
    float64: "always",
    float32: "always",
    int32: "always",
    bool: "always",
    int64: "checked",
    unix_timestamp: "checked",
  },
  int64: { int64: "always", int32: "always", unix_timestamp: "always", bool: "always" },
  int32: { int32: "always", bool: "always" },
  bool: { bool: "always" },
  string: { string: "always" },
};

/** Whether a feature type may feed a tensor type; undefined: never. */
export function feedRule(tensor: TensorType, feature: ValueType): "always" | "checked" | undefined {
  return FEEDS[tensor][scalarOf(feature)];
}

/** The feature types that may feed a tensor type, for error messages. */
export function feedableTypes(tensor: TensorType): readonly string[] {
  return Object.keys(FEEDS[tensor]);
}

/** A zero-filled tensor's elements. */
export function createTensorData(type: TensorType, length: number): TensorData {
  switch (type) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "int64":
      return new BigInt64Array(length);
    case "bool":
      return new Uint8Array(length);
    case "string":
      return new Array<string>(length).fill("");
  }
}

/**
 * Stores a scalar at `at`, or the `width` elements of a list from there on; a NaN stands for every element of a list. The value is not null and of a
 * type that {@link feedRule} allows. False: the tensor cannot hold it exactly, or the list has another width; what is stored then means nothing.
 */
export function storeFeature(data: TensorData, at: number, width: number, value: FeatureValue): boolean {
  if (!Array.isArray(value)) {
    let exact = true;
    for (let to = at; to < at + width; to++) exact = storeValue(data, to, value as ScalarValue) && exact;
    return exact;
  }
  const list: readonly ScalarValue[] = value;
  if (list.length !== width) return false;
  for (let item = 0; item < width; item++) {
    if (!storeValue(data, at + item, list[item] as ScalarValue)) return false;
  }
  return true;
}

/** Stores one scalar of a type that {@link feedRule} allows. False: the tensor type cannot hold it exactly. */
export function storeValue(data: TensorData, index: number, value: ScalarValue): boolean {
  if (data instanceof Float32Array || data instanceof Float64Array) {
    const number = Number(value);
    data[index] = number;
    if (Number.isNaN(number)) return true;
    return typeof value === "bigint" ? isExact(data[index] as number, value) : data[index] === number;
  }
  if (data instanceof BigInt64Array) {
    data[index] = typeof value === "bigint" ? value : BigInt(value as number | boolean);
    return true;
  }
  if (Array.isArray(data)) {
    data[index] = value as string;
    return holdsText(value as string);
  }
  data[index] = Number(value);
  return true;
}

/** Whether a tensor holds a text as it is: the runtime ends it at its first U+0000, and replaces half a surrogate pair. */
export function holdsText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

function isExact(stored: number, value: bigint): boolean {
  return Number.isFinite(stored) && BigInt(stored) === value;
}
