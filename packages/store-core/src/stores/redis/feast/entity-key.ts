import { isUtf8 } from "node:buffer";
import { type FeatureView, type KeyType, type KeyValue, LarderError } from "@larder/schema";
import { decodeKeyPart, encodeKeyPart, sortedJoinKeys } from "../../../keys/entity-key.ts";
import { globText } from "./glob-text.ts";

/** Versions of Feast's entity keys: 3 is its default, 2 has no lengths of names. */
export type EntityKeyVersion = 2 | 3;

/**
 * The Redis keys of all entities with the same join keys in one project, as Feast makes them (feast/infra/key_encoding_utils.py): the entity key's
 * bytes, then the project's name as it is.
 *
 * An entity key is, all numbers being little-endian 32 bits: in version 3 the number of join keys; per join key, sorted by code point, the type
 * STRING, in version 3 the name's length, and the name; then per join key its type, the length of its value, and the value.
 */
export interface KeySpace {
  /** Equal for views whose rows lie in the same hashes. */
  readonly id: string;
  /** Matches every key of this space in a SCAN, and perhaps others: {@link entityKeyOf} decides. */
  readonly pattern: Buffer;
  /** The Redis key of an entity key in the text form of keys/entity-key.ts. */
  redisKey(entityKey: string): Buffer;
  /**
   * The text form of a Redis key; undefined for one of another space. Feast itself goes by the end of the key, so that its project `foo` takes the
   * keys of `bar_foo` for its own; here the whole key is read.
   */
  entityKeyOf(key: Buffer): string | undefined;
}

/** Feast's `ValueType` of a join key, and the width of its value, 0 where it varies. */
const TYPES: Readonly<Record<KeyType, readonly [number: number, width: number]>> = {
  bytes: [1, 0],
  string: [2, 0],
  int32: [3, 4],
  int64: [4, 8],
  unix_timestamp: [8, 8],
};

/**
 * What Feast puts in place of join keys where a view has none. It reads and materializes such rows under this key; its write_to_online_store uses
 * another, without any join key, which it never reads again, and nor does Larder.
 */
const NO_ENTITY = [{ name: "__dummy_id", type: "string" }] as const;

/** The key space of a view. */
export function createKeySpace(view: FeatureView, project: string, version: EntityKeyVersion): KeySpace {
  const joinKeys = view.joinKeys.length === 0 ? NO_ENTITY : sortedJoinKeys(view);
  const hasEntity = view.joinKeys.length > 0;
  const types = joinKeys.map(({ type }) => type);
  const head = headOf(
    joinKeys.map(({ name }) => name),
    version,
  );
  const tail = Buffer.from(project, "utf8");
  const firstType = u32(TYPES[types[0] as KeyType][0]);

  const redisKey = (entityKey: string): Buffer => {
    const parts = !hasEntity ? [encodeKeyPart("")] : types.length === 1 ? [entityKey] : entityKey.split(",");
    const values = types.map((type, index) => payload(type, parts[index] as string));
    const length = values.reduce((sum, value) => sum + 8 + value.length, head.length + tail.length);
    const key = Buffer.allocUnsafe(length);
    head.copy(key);
    let at = head.length;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as Buffer;
      at = key.writeUInt32LE(TYPES[types[i] as KeyType][0], at);
      at = key.writeUInt32LE(value.length, at);
      at += value.copy(key, at);
    }
    tail.copy(key, at);
    return key;
  };

  const entityKeyOf = (key: Buffer): string | undefined => {
    if (!key.subarray(0, head.length).equals(head)) return undefined;
    const parts: string[] = [];
    let at = head.length;
    for (const type of types) {
      const [number, width] = TYPES[type];
      if (key.length - at < 8 || key.readUInt32LE(at) !== number) return undefined;
      const length = key.readUInt32LE(at + 4);
      at += 8;
      if ((width !== 0 && length !== width) || length > key.length - at) return undefined;
      const value = keyValueOf(type, key.subarray(at, at + length));
      if (value === undefined) return undefined;
      parts.push(encodeKeyPart(value));
      at += length;
    }
    if (!key.subarray(at).equals(tail)) return undefined;
    return hasEntity ? parts.join(",") : parts[0] === encodeKeyPart("") ? "" : undefined;
  };

  return {
    id: JSON.stringify(joinKeys.map(({ name, type }) => [name, type])),
    pattern: Buffer.concat([globText(Buffer.concat([head, firstType])), Buffer.from("*"), globText(tail)]),
    redisKey,
    entityKeyOf,
  };
}

function headOf(names: readonly string[], version: EntityKeyVersion): Buffer {
  const parts = names.flatMap((name) => {
    const bytes = Buffer.from(name, "utf8");
    return version === 3 ? [u32(TYPES.string[0]), u32(bytes.length), bytes] : [u32(TYPES.string[0]), bytes];
  });
  return Buffer.concat(version === 3 ? [u32(names.length), ...parts] : parts);
}

/** The bytes of one part of an entity key's text form. */
function payload(type: KeyType, part: string): Buffer {
  if (type === "int64" || type === "unix_timestamp") {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64LE(BigInt(part));
    return bytes;
  }
  const value = decodeKeyPart(type, part);
  if (typeof value === "number") {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32LE(value);
    return bytes;
  }
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw new LarderError("INTERNAL", {
    what: `An entity key has a part that is no ${type}`,
    remedy: "Report this: entity keys are checked when they are encoded",
  });
}

function keyValueOf(type: KeyType, bytes: Buffer): KeyValue | undefined {
  switch (type) {
    case "int64":
    case "unix_timestamp":
      return bytes.readBigInt64LE();
    case "int32":
      return bytes.readInt32LE();
    case "string":
      return isUtf8(bytes) ? bytes.toString("utf8") : undefined;
    case "bytes":
      return bytes;
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
