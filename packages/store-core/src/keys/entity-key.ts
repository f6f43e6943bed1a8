import type { FeatureView, JoinKey, KeyType, KeyValue } from "@larder/schema";
import { compareCodePoints, decodeSegment, encodeSegment } from "./segment.ts";

/**
 * The text form of an entity key: the values of its join keys, sorted by join-key name, joined by commas. Plain ASCII and injective over the
 * values, since the first character of each part tells its kind: integers and unix timestamps are decimal (`12345`, `-7`), text is `s` and an
 * escaped segment, bytes are `b` and base64url. An entity-less view has the empty key.
 */
export function encodeEntityKey(view: FeatureView, values: readonly KeyValue[]): string {
  const order = keyOrder(view);
  if (order.length === 1) return encodeKeyPart(values[0] as KeyValue);
  let key = "";
  for (let i = 0; i < order.length; i++) {
    key += (i === 0 ? "" : ",") + encodeKeyPart(values[order[i] as number] as KeyValue);
  }
  return key;
}

/** The values of an encoded key, in the order of `view.joinKeys`; undefined when the text is not a key of this view. */
export function decodeEntityKey(view: FeatureView, key: string): KeyValue[] | undefined {
  const order = keyOrder(view);
  const parts = order.length === 0 && key === "" ? [] : key.split(",");
  if (parts.length !== order.length) return undefined;
  const values: KeyValue[] = new Array(order.length);
  for (const [i, part] of parts.entries()) {
    const at = order[i] as number;
    const value = decodeKeyPart((view.joinKeys[at] as JoinKey).type, part);
    if (value === undefined) return undefined;
    values[at] = value;
  }
  return values;
}

/** One part of an entity key. */
export function encodeKeyPart(value: KeyValue): string {
  if (typeof value === "string") return `s${encodeSegment(value)}`;
  if (value instanceof Uint8Array) {
    return `b${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64url")}`;
  }
  return String(value);
}

/** The join keys of a view in the order their values have inside a key: sorted by name. */
export function sortedJoinKeys(view: FeatureView): readonly JoinKey[] {
  return keyOrder(view).map((index) => view.joinKeys[index] as JoinKey);
}

const orders = new WeakMap<FeatureView, readonly number[]>();

function keyOrder(view: FeatureView): readonly number[] {
  let order = orders.get(view);
  if (order === undefined) {
    const names = view.joinKeys.map((key) => key.name);
    order = [...names.keys()].sort((a, b) => compareCodePoints(names[a] as string, names[b] as string));
    orders.set(view, order);
  }
  return order;
}

/** The value of one part of an entity key; undefined when the text is none of that type. */
export function decodeKeyPart(type: KeyType, part: string): KeyValue | undefined {
  switch (type) {
    case "string":
      return part.startsWith("s") ? decodeSegment(part.slice(1)) : undefined;
    case "bytes":
      return part.startsWith("b") ? Buffer.from(part.slice(1), "base64url") : undefined;
    case "int32":
      return /^-?\d+$/.test(part) ? Number(part) : undefined;
    case "int64":
    case "unix_timestamp":
      return /^-?\d+$/.test(part) ? BigInt(part) : undefined;
  }
}
