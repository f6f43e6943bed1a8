import { exactInteger } from "../payload.ts";
import { textOf } from "../utf8.ts";

/** Bytes that are not what their schema says; `message` goes on after "value". */
export class CorruptAvro extends Error {}

/** Most levels of records inside records: a schema may name itself. */
const MAX_DEPTH = 64;

/** Reads Avro's binary encoding (Avro 1.12 specification, "Binary encoding") and never outside its bytes. */
export class AvroCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  #depth = 0;
  #items = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
  }

  /** Bytes that are left. */
  get rest(): number {
    return this.#bytes.length - this.#at;
  }

  /** A zigzag varint; exact, as a bigint beyond 2^53. */
  long(): number | bigint {
    const bytes = this.#bytes;
    const start = this.#at;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.#next();
      if (byte < 128) {
        // The eighth byte starts at bit 49: with more than four bits the sum would no longer be exact.
        if (i === 7 && byte > 15) break;
        value += byte * scale;
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
      value += (byte - 128) * scale;
      scale *= 128;
    }
    this.#at = start;
    let wide = 0n;
    for (let i = 0; i < 10; i++) {
      const byte = this.#next();
      wide |= BigInt(byte & 127) << BigInt(7 * i);
      if (byte >= 128) continue;
      if (i === 9 && bytes[this.#at - 1]! > 1) break;
      return exactInteger((wide >> 1n) ^ -(wide & 1n));
    }
    throw new CorruptAvro("has an integer beyond int64");
  }

  int(): number {
    const value = this.long();
    if (typeof value === "number" && value >= -2147483648 && value <= 2147483647) return value;
    throw new CorruptAvro("has an integer beyond the int that its schema says");
  }

  boolean(): boolean {
    const byte = this.#next();
    if (byte > 1) throw new CorruptAvro("has a byte that is no boolean");
    return byte === 1;
  }

  float(): number {
    return this.#view.getFloat32(this.#skip(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#skip(8), true);
  }

  /** A copy: what is read may outlive the batch (and `slice` of a Buffer copies nothing). */
  fixed(length: number): Uint8Array {
    const start = this.#skip(length);
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  bytes(): Uint8Array {
    return this.fixed(this.#length());
  }

  text(): string {
    const length = this.#length();
    const start = this.#skip(length);
    const text = textOf(this.#bytes.subarray(start, start + length));
    if (text === undefined) throw new CorruptAvro("has text that is no UTF-8");
    return text;
  }

  /** How many items follow; 0 ends a list or a map. All items of a record together are at most as many as its bytes, so that no count is believed. */
  block(): number {
    const count = this.long();
    if (count === 0) return 0;
    if (count < 0) this.long();
    const items = Number(count < 0 ? -count : count);
    this.#items += items;
    if (this.#items > this.#bytes.length) throw new CorruptAvro("has more items than bytes");
    return items;
  }

  /** Reads a record inside of what is being read. */
  nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new CorruptAvro(`has more than ${MAX_DEPTH} records inside each other`);
    const value = read();
    this.#depth--;
    return value;
  }

  #length(): number {
    const length = this.long();
    if (length < 0 || length > this.rest) throw new CorruptAvro("ends too early");
    return Number(length);
  }

  #next(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new CorruptAvro("ends too early");
    this.#at++;
    return byte;
  }

  #skip(length: number): number {
    const start = this.#at;
    if (length > this.rest) throw new CorruptAvro("ends too early");
    this.#at = start + length;
    return start;
  }
}
