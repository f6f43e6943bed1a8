import { isUtf8 } from "node:buffer";

/**
 * Reads protobuf's wire format (protobuf.dev/programming-guides/encoding) from any bytes. It never throws and never reads outside its range: once
 * the bytes do not hold what is asked for, `broken` is set and what is answered has no meaning. One reader serves many messages, one by one.
 */
export class WireReader {
  broken = false;
  #buffer: Buffer = NOTHING;
  #at = 0;
  #end = 0;

  /** Turns to another range. */
  open(buffer: Buffer, start: number, end: number): void {
    this.broken = false;
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  /** True while there is something left and nothing is broken. */
  get more(): boolean {
    return this.#at < this.#end && !this.broken;
  }

  /** A tag or a length: a varint below 2^32. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value < 2 ** 32 ? value : this.#fail(0);
      scale *= 0x80;
    }
    return this.#fail(0);
  }

  /** A signed varint of up to 64 bits: negative numbers take ten bytes. */
  int64(): bigint {
    let low = 0;
    let scale = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte();
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return BigInt(low);
      scale *= 0x80;
    }
    let high = 0;
    for (let i = 0; i < 3; i++) {
      const byte = this.#byte();
      high += (byte & 0x7f) * 0x80 ** i;
      if (byte >= 0x80) continue;
      if (i === 2 && byte > 1) return this.#fail(0n);
      return BigInt.asIntN(64, BigInt(low) + (BigInt(high) << 49n));
    }
    return this.#fail(0n);
  }

  int32(): number {
    const value = this.int64();
    return value === BigInt.asIntN(32, value) ? Number(value) : this.#fail(0);
  }

  bool(): boolean {
    const value = this.int64();
    return value === 0n || value === 1n ? value === 1n : this.#fail(false);
  }

  float32(): number {
    return this.#take(4) ? this.#buffer.readFloatLE(this.#at - 4) : 0;
  }

  float64(): number {
    return this.#take(8) ? this.#buffer.readDoubleLE(this.#at - 8) : 0;
  }

  /** Bytes after their length, as a copy. */
  bytes(): Uint8Array {
    const length = this.varint();
    return this.#take(length) ? Uint8Array.from(this.#buffer.subarray(this.#at - length, this.#at)) : NOTHING;
  }

  /** Text after its length; it must be UTF-8. */
  string(): string {
    const length = this.varint();
    if (!this.#take(length)) return "";
    const text = this.#buffer.toString("utf8", this.#at - length, this.#at);
    // Looked at only where decoding may have replaced something.
    if (!text.includes("\ufffd") || isUtf8(this.#buffer.subarray(this.#at - length, this.#at))) return text;
    return this.#fail("");
  }

  /** Enters a message inside: its end, to be given back to {@link leave}. */
  enter(): number {
    const outer = this.#end;
    const length = this.varint();
    if (length > this.#end - this.#at) this.#fail(0);
    else this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  /** Steps over a field of a wire type, whatever it holds. */
  skip(wireType: number): void {
    if (wireType === WireType.VARINT) this.int64();
    else if (wireType === WireType.I64) this.#take(8);
    else if (wireType === WireType.LEN) this.#take(this.varint());
    else if (wireType === WireType.I32) this.#take(4);
    else this.#fail(0);
  }

  #byte(): number {
    return this.#take(1) ? (this.#buffer[this.#at - 1] as number) : 0;
  }

  #take(length: number): boolean {
    if (this.broken || length > this.#end - this.#at) return this.#fail(false);
    this.#at += length;
    return true;
  }

  #fail<T>(nothing: T): T {
    this.broken = true;
    return nothing;
  }
}

/** How a field's bytes are laid out. */
export const WireType = { VARINT: 0, I64: 1, LEN: 2, I32: 5 } as const;
export type WireType = (typeof WireType)[keyof typeof WireType];

/** The tag of a field. */
export function tagOf(field: number, wireType: WireType): number {
  return field * 8 + wireType;
}

/** A varint; negative numbers take ten bytes. */
export function varintOf(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = typeof value === "number" && value >= 0 ? value : BigInt.asUintN(64, BigInt(value));
  if (typeof rest === "bigint" && rest < 2n ** 53n) rest = Number(rest);
  while (typeof rest === "bigint") {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
    if (rest < 2n ** 53n) rest = Number(rest);
  }
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

const NOTHING = Buffer.alloc(0);
