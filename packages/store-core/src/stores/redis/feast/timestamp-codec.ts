import { MAX_ONLINE_MICROS } from "@larder/schema";
import { tagOf, varintOf, WireReader, WireType } from "./wire.ts";

const SECONDS = tagOf(1, WireType.VARINT);
const NANOS = tagOf(2, WireType.VARINT);

/**
 * The bytes of a `google.protobuf.Timestamp`. The epoch has none: its message is empty. Feast takes such a row, and every earlier one, as if it
 * had no time and overwrites it with anything; here only a missing field is no time.
 */
export function encodeTimestamp(micros: number): Buffer {
  const seconds = Math.floor(micros / 1e6);
  const nanos = (micros - seconds * 1e6) * 1000;
  const parts: Buffer[] = [];
  if (seconds !== 0) parts.push(Buffer.of(SECONDS), varintOf(seconds));
  if (nanos !== 0) parts.push(Buffer.of(NANOS), varintOf(nanos));
  return Buffer.concat(parts);
}

const reader = new WireReader();

/**
 * Microseconds since the epoch of a `google.protobuf.Timestamp`; undefined for bytes that are none, and for times that Larder does not hold
 * online. Nanoseconds below a microsecond, which Feast never writes, are left out.
 */
export function decodeTimestamp(buffer: Buffer, start: number, end: number): number | undefined {
  reader.open(buffer, start, end);
  let seconds = 0;
  let nanos = 0;
  while (reader.more) {
    const tag = reader.varint();
    if (tag === SECONDS) seconds = Number(reader.int64());
    else if (tag === NANOS) nanos = reader.int32();
    else return undefined;
  }
  if (reader.broken || nanos < 0 || nanos >= 1e9) return undefined;
  const micros = seconds * 1e6 + Math.floor(nanos / 1000);
  return Math.abs(micros) <= MAX_ONLINE_MICROS ? micros : undefined;
}
