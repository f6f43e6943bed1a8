/**
 * Feast's Redis layout, as its Python SDK 0.66 writes it with entity keys of version 3: a hash per entity, a field per feature whose name is
 * murmur3 of `view:feature`, values as `feast.types.Value` messages, and the event time under `_ts:<view>`. Only what the benchmark needs.
 */
export interface FeastLayout {
  key(customerId: number): Buffer;
  /** Names of the features' fields, and last of the event time's. */
  readonly fields: readonly (Buffer | string)[];
  /** Field, value, field, value … of one row. */
  row(values: Float32Array, eventSeconds: number): (Buffer | string)[];
}

/** The layout of float features of one view over an int64 `customer_id`. */
export function feastLayout(project: string, view: string, features: readonly string[]): FeastLayout {
  const names = features.map((feature) => fieldName(`${view}:${feature}`));
  const head = Buffer.concat([u32(1), u32(2), u32(11), Buffer.from("customer_id"), u32(4), u32(8)]);
  const tail = Buffer.from(project);
  return {
    key: (customerId) => {
      const id = Buffer.alloc(8);
      id.writeBigInt64LE(BigInt(customerId));
      return Buffer.concat([head, id, tail]);
    },
    fields: [...names, `_ts:${view}`],
    row: (values, eventSeconds) => [
      ...names.flatMap((name, i) => [name, floatValue(values[i] as number)]),
      `_ts:${view}`,
      Buffer.concat([Buffer.from([0x08]), varint(eventSeconds)]),
    ],
  };
}

/** Number of a `Value` message with `float_val`, NaN for any other. */
export function readFloatValue(value: Buffer | null): number {
  return value !== null && value[0] === 0x35 ? value.readFloatLE(1) : Number.NaN;
}

function floatValue(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = 0x35;
  bytes.writeFloatLE(value, 1);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

/** murmur3 x86 32, seed 0, little-endian (Austin Appleby's MurmurHash3.cpp). */
function fieldName(text: string): Buffer {
  const bytes = Buffer.from(text);
  let hash = 0;
  const mix = (block: number) => Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
  const whole = bytes.length & ~3;
  for (let at = 0; at < whole; at += 4) {
    hash = (Math.imul(rotate(hash ^ mix(bytes.readUInt32LE(at)), 13), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let at = bytes.length - 1; at >= whole; at--) rest = (rest << 8) | (bytes[at] as number);
  hash ^= mix(rest) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return u32((hash ^ (hash >>> 16)) >>> 0);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
