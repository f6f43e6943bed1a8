import { isUtf8 } from "node:buffer";
import { createTensorData, holdsText } from "../model/feed-table.ts";
import type { TensorData, TensorType } from "../model/model-runner.ts";
import { refused } from "./refusal.ts";

/** Bytes of the length that stands before each element of a BYTES tensor, little-endian. */
const LENGTH_BYTES = 4;

/**
 * The elements of a tensor from its bytes: numbers little-endian, BOOL a byte of 0 or 1, BYTES each with its length before it (UTF-8 only: ONNX's
 * strings are text).
 * @param count how many elements the shape has
 * @throws INVALID_REQUEST naming `field`
 */
export function readBinaryTensor(type: TensorType, bytes: Buffer, count: number, field: string): TensorData {
  if (type === "string") return readTexts(bytes, count, field);
  const width = WIDTHS[type];
  if (bytes.length !== count * width) {
    throw refused(
      field,
      `"${field}" has ${bytes.length} bytes, and its shape needs ${count * width}`,
      "Send the elements whole, little-endian and without gaps",
    );
  }
  const data = createTensorData(type, count) as Exclude<TensorData, string[]>;
  const target = new Uint8Array(data.buffer);
  target.set(bytes);
  if (type === "bool" && target.some((byte) => byte > 1)) {
    throw refused(field, `"${field}" has a BOOL that is neither 0 nor 1`, "Send a byte of 0 or 1 per element");
  }
  return data;
}

/** A tensor's elements as bytes; the inverse of {@link readBinaryTensor}. */
export function writeBinaryTensor(data: TensorData): Buffer {
  if (!Array.isArray(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const lengths = data.map((text) => Buffer.byteLength(text));
  const whole = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + LENGTH_BYTES + length, 0));
  let at = 0;
  for (const [index, text] of data.entries()) {
    at = whole.writeUInt32LE(lengths[index] as number, at);
    at += whole.write(text, at);
  }
  return whole;
}

function readTexts(bytes: Buffer, count: number, field: string): string[] {
  const texts: string[] = [];
  let at = 0;
  while (at < bytes.length && texts.length < count) {
    const start = at + LENGTH_BYTES;
    const end = start > bytes.length ? start : start + bytes.readUInt32LE(at);
    if (end > bytes.length) throw refused(field, `"${field}" ends inside element ${texts.length}`, WHOLE);
    const text = bytes.subarray(start, end);
    const decoded = isUtf8(text) ? text.toString() : undefined;
    if (decoded === undefined || !holdsText(decoded)) {
      const what = `Element ${texts.length} of "${field}" is no text that the runtime can hold`;
      throw refused(field, what, "Send UTF-8 without U+0000");
    }
    texts.push(decoded);
    at = end;
  }
  if (texts.length === count && at === bytes.length) return texts;
  throw refused(
    field,
    `"${field}" has ${at === bytes.length ? texts.length : `more than ${count}`} elements, and its shape has ${count}`,
    WHOLE,
  );
}

const WHOLE = "Send each element as a length of 4 bytes, little-endian, and as many bytes of UTF-8";

const WIDTHS: Readonly<Record<Exclude<TensorType, "string">, number>> = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  bool: 1,
};
