import { isLarderError, parseJson } from "@larder/schema";
import { type Fields, isFields, type Payload } from "./payload.ts";
import { invalid, Refused, unreadable } from "./refused.ts";
import { textOf } from "./utf8.ts";

/** Reads a JSON object. `field` is the part of the record that it is. */
export function readJsonFields(bytes: Uint8Array, field: string): Fields | Refused {
  const text = textOf(bytes);
  if (text === undefined) return unreadable(field, "is not UTF-8 text", "Send JSON, or correct the format");
  const value = readJson(text, field);
  if (isFields(value) || value instanceof Refused) return value;
  return unreadable(field, "is no JSON object", "Send an object of fields, or correct the format");
}

/** Reads JSON text. */
export function readJson(text: string, field: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (!isLarderError(error)) throw error;
    const { kind, line, column } = error.facts;
    const where = `(line ${String(line)}, column ${String(column)})`;
    switch (kind) {
      case "overflow":
        return invalid(field, `has a number that overflows ${where}`, "Send numbers within float64");
      case "duplicate_key":
        return unreadable(field, `has a key twice in one object ${where}`, "Send each key once");
      case "prototype_key":
        return unreadable(field, `has a key that every JavaScript object has ${where}`, "Use another name");
      case "depth":
        return unreadable(field, `has too many levels ${where}`, "Send a flatter value");
      default:
        return unreadable(field, `is not valid JSON ${where}`, "Send valid JSON, or correct the format");
    }
  }
}

/** A record whose value is the message itself. */
export function readJsonPayload(value: Uint8Array): Payload | Refused {
  const fields = readJsonFields(value, "value");
  return fields instanceof Refused ? fields : plainPayload(fields);
}

/** A message that nothing surrounds. */
export function plainPayload(fields: Fields): Payload {
  return { fields, deleted: false, envelope: undefined, unnamed: 0 };
}
