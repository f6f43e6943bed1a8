import { featureField } from "../src/stores/redis/feast/field-names.ts";

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
  const names = features.map((feature) => featureField(view, feature));
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
