import { numberText } from "../features/json-text.ts";
import { createTensorData, holdsText } from "../model/feed-table.ts";
import type { Tensor, TensorData, TensorType } from "../model/model-runner.ts";
import { refused } from "./refusal.ts";

/**
 * The elements of a tensor that a request gives as JSON, flat or nested exactly as its shape. A number is judged by its value, as everywhere: 1.0 is
 * an INT64, 1e39 is no FP32, and nothing is coerced.
 * @param count how many elements the shape has
 * @throws INVALID_REQUEST naming `field`
 */
export function readJsonTensor(
  type: TensorType,
  given: readonly unknown[],
  dims: readonly number[],
  count: number,
  field: string,
): TensorData {
  const flat: readonly unknown[] = Array.isArray(given[0]) ? flatten(given, dims, field) : given;
  if (flat.length !== count) {
    throw refused(
      field,
      `"${field}" has ${flat.length} elements, and the shape [${dims.join(", ")}] has ${count}`,
      "Give as many elements as the shape's sizes multiply to",
    );
  }
  const data = createTensorData(type, count);
  for (let at = 0; at < count; at++) {
    if (!store(type, data, at, flat[at])) {
      throw refused(`${field}.${at}`, `Element ${at} of "${field}" ${MISFITS[type]}`, REMEDIES[type]);
    }
  }
  return data;
}

/** A tensor's elements as JSON, flat. NaN and infinities are null, since JSON has no such numbers; the binary form has. */
export function writeJsonTensor({ type, data }: Tensor): string {
  const texts = new Array<string>(data.length);
  for (let at = 0; at < data.length; at++) texts[at] = elementText(type, data[at] as number | bigint | string);
  return `[${texts.join(",")}]`;
}

function elementText(type: Tensor["type"], value: number | bigint | string): string {
  if (type === "bool") return value === 0 ? "false" : "true";
  if (type === "float16") return numberText(float16(value as number));
  return typeof value === "string" ? JSON.stringify(value) : typeof value === "bigint" ? `${value}` : numberText(value);
}

/** IEEE 754 half precision from its 16 bits. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function flatten(given: readonly unknown[], dims: readonly number[], field: string): readonly unknown[] {
  const flat: unknown[] = [];
  const walk = (level: readonly unknown[], depth: number): void => {
    const leaf = depth === dims.length - 1;
    if (level.length !== dims[depth]) throw misshapen(dims, field);
    for (const each of level) {
      if (Array.isArray(each) === leaf) throw misshapen(dims, field);
      if (leaf) flat.push(each);
      else walk(each as readonly unknown[], depth + 1);
    }
  };
  walk(given, 0);
  return flat;
}

function misshapen(dims: readonly number[], field: string): Error {
  return refused(
    field,
    `"${field}" is nested otherwise than the shape [${dims.join(", ")}]`,
    "Nest the elements as the shape says, or give them flat",
  );
}

/** False: not a value of the type. */
function store(type: TensorType, data: TensorData, at: number, value: unknown): boolean {
  switch (type) {
    case "bool":
      data[at] = value === true ? 1 : 0;
      return typeof value === "boolean";
    case "string":
      data[at] = value as string;
      return typeof value === "string" && holdsText(value);
    case "int64":
      return storeInt64(data as BigInt64Array, at, value);
    case "int32":
      data[at] = typeof value === "number" ? value : 0;
      return typeof value === "number" && data[at] === value;
    default: {
      if (typeof value !== "number" && typeof value !== "bigint") return false;
      data[at] = Number(value);
      return Number.isFinite(data[at]);
    }
  }
}

function storeInt64(data: BigInt64Array, at: number, value: unknown): boolean {
  if (typeof value === "number" ? !Number.isSafeInteger(value) : typeof value !== "bigint") return false;
  const exact = BigInt(value as number | bigint);
  data[at] = exact;
  return data[at] === exact;
}

const MISFITS: Readonly<Record<TensorType, string>> = {
  float32: "is no number that FP32 can hold",
  float64: "is no number that FP64 can hold",
  int32: "is no integer of 32 bits",
  int64: "is no integer of 64 bits",
  bool: "is neither true nor false",
  string: "is no text that the runtime can hold",
};

const NUMBERS = "Give JSON numbers; NaN and infinities travel in the binary form only";

const REMEDIES: Readonly<Record<TensorType, string>> = {
  float32: NUMBERS,
  float64: NUMBERS,
  int32: "Give whole JSON numbers",
  int64: "Give whole JSON numbers",
  bool: "Give true or false",
  string: "Give JSON strings of whole characters other than U+0000",
};
