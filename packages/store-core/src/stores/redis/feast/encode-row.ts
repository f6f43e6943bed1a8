import type { RowEncoder } from "../../../row/row-encoder.ts";
import type { FeastView } from "./field-names.ts";
import { encodeTimestamp } from "./timestamp-codec.ts";
import { encodeValue } from "./value-codec.ts";

/** Makes of a row what scripts/feast-put.lua takes: an array in MessagePack (github.com/msgpack/msgpack, spec.md). */
export function createRowBlobEncoder({ features }: FeastView): RowEncoder {
  return ({ eventTime, values }) => {
    const count = values === undefined ? 1 : features.length + 1;
    const parts = [header(0xdd, 4, count), ...item(encodeTimestamp(eventTime))];
    if (values !== undefined) {
      for (let i = 0; i < features.length; i++) {
        const value = values[i];
        const kind = features[i]?.kind;
        if (value === undefined || kind === undefined) parts.push(FALSE);
        else parts.push(...item(encodeValue(kind, value)));
      }
    }
    return Buffer.concat(parts);
  };
}

const FALSE = Buffer.of(0xc2);

function item(bytes: Buffer): Buffer[] {
  const { length } = bytes;
  if (length < 32) return [Buffer.of(0xa0 | length), bytes];
  if (length < 2 ** 16) return [header(0xda, 2, length), bytes];
  return [header(0xdb, 4, length), bytes];
}

function header(tag: number, width: 2 | 4, length: number): Buffer {
  const bytes = Buffer.alloc(1 + width);
  bytes[0] = tag;
  bytes.writeUIntBE(length, 1, width);
  return bytes;
}
