import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { FRAME_BYTES, schemaIdOf } from "../frame.ts";
import type { Payload } from "../payload.ts";
import { Refused, unreadable } from "../refused.ts";
import { fieldsOf } from "./message-fields.ts";
import { messageIndexes } from "./open-message.ts";

/** Reads one message; with `framed`, after Confluent's frame, whose indexes must name this very message. */
export function readProtobuf(message: DescMessage, value: Uint8Array, framed: boolean): Payload | Refused {
  let start = 0;
  if (framed) {
    const id = schemaIdOf(value, "value");
    if (id instanceof Refused) return id;
    const after = skipIndexes(value, messageIndexes(message));
    if (after instanceof Refused) return after;
    start = after;
  }
  try {
    const read = fromBinary(message, start === 0 ? value : value.subarray(start));
    return {
      fields: fieldsOf(reflect(message, read, false)),
      deleted: false,
      envelope: undefined,
      unnamed: read.$unknown?.length ?? 0,
    };
  } catch {
    // The library throws plain errors of many texts for bytes that are no message, and some quote what they read.
    return unreadable(
      "value",
      `is no message ${message.typeName}`,
      "Check the producer, or make the descriptor set anew",
    );
  }
}

/** Where the message starts. The indexes are a count and that many numbers, zigzag varints all; a single 0 stands for [0]. */
function skipIndexes(bytes: Uint8Array, expected: readonly number[]): number | Refused {
  let at = FRAME_BYTES;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++] ?? 255;
      value |= (byte & 127) << shift;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -1;
    }
    return -1;
  };
  const count = next();
  const found = count === 0 ? [0] : [];
  for (let i = 0; i < count && found.length < expected.length; i++) found.push(next());
  const same = count === 0 || count === expected.length;
  if (same && found.every((index, i) => index === expected[i]) && found.length === expected.length) return at;
  const what = "is framed as another message than the view's";
  return unreadable("value", what, "Correct message, or make the descriptor set from the producer's schema");
}
