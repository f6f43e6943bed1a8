import type { KeyType } from "@larder/schema";
import { withoutSchema } from "./debezium-format.ts";
import { readJson } from "./json-format.ts";
import { type Fields, isFields } from "./payload.ts";
import { Refused, unreadable } from "./refused.ts";
import { textOf } from "./utf8.ts";

/** A record's key: an object of fields, or one bare value, as bytes or as a format has read it. */
export type RecordKey = { readonly fields: Fields } | { readonly fields: undefined; readonly bare: unknown };

/** Reads a key that is no Avro: JSON where it begins with { or ", the bare value as it is otherwise. */
export function readKey(bytes: Uint8Array): RecordKey | Refused {
  const [first] = bytes;
  if (first !== 123 && first !== 34) return { fields: undefined, bare: bytes };
  const text = textOf(bytes);
  if (text === undefined)
    return unreadable("key", "begins like JSON and is not UTF-8 text", "Send JSON or a bare value");
  const value = readJson(text, "key");
  return value instanceof Refused ? value : keyOfValue(isFields(value) ? withoutSchema(value) : value);
}

/** A key that a format has read. */
export function keyOfValue(value: unknown): RecordKey {
  return isFields(value) ? { fields: value } : { fields: undefined, bare: value };
}

/** A bare value of a join key's type: decimal digits, text or the bytes themselves. What does not fit is left for the row's own checks. */
export function bareValue(type: KeyType, value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  if (type === "bytes") return new Uint8Array(value);
  const text = textOf(value);
  if (text === undefined || type === "string") return text ?? value;
  return DIGITS.test(text) ? integerOf(text) : text;
}

/** A number of its digits, exact. */
export function integerOf(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

/** A whole number in decimal digits, short enough for a bigint to be made of it at once. */
export const DIGITS = /^(?:0|-?[1-9]\d{0,39})$/;
