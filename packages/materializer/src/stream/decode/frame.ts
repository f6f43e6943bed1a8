import { type Refused, unreadable } from "./refused.ts";

/** Bytes before the data: a zero, and the schema's id in four bytes (Confluent's wire format). */
export const FRAME_BYTES = 5;

/** The schema id that framed bytes name, or why they name none. `field` is the part of the record that they are. */
export function schemaIdOf(bytes: Uint8Array, field: string): number | Refused {
  if (bytes.length < FRAME_BYTES || bytes[0] !== 0) {
    const what =
      bytes.length < FRAME_BYTES ? `has ${bytes.length} bytes, fewer than its frame` : "does not begin with the byte 0";
    return unreadable(
      field,
      `${what} of Confluent's wire format`,
      "Write it with a serializer that registers its schema, or correct the format",
    );
  }
  return ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) >>> 0;
}
