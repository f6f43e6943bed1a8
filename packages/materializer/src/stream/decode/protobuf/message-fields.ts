import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { ReflectList, ReflectMessage } from "@bufbuild/protobuf/reflect";
import { isReflectMap, isReflectMessage } from "@bufbuild/protobuf/reflect";
import { exactInteger, Instant, Unheld } from "../payload.ts";

/**
 * A message's fields by their names in the .proto file. A field that can be unset and is, is null; one that cannot has its default, as Protobuf says.
 * Integers are exact, enums the names of their values, timestamps {@link Instant}, wrappers what they wrap.
 */
export function fieldsOf(message: ReflectMessage): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const field of message.fields) {
    const unset =
      (field.fieldKind === "scalar" || field.fieldKind === "enum" || field.fieldKind === "message") &&
      field.presence !== IMPLICIT &&
      !message.isSet(field);
    fields[field.name] = unset ? null : plain(field, message.get(field));
  }
  return fields;
}

/** FieldPresence.IMPLICIT of google/protobuf/descriptor.proto. */
const IMPLICIT = 2;

const WRAPPER = /^google\.protobuf\.(?:Double|Float|U?Int(?:32|64)|Bool|String|Bytes)Value$/;
const REPLACED = new Unheld("text that is no UTF-8");
const UNNAMED_ENUM = new Unheld("a number that its enum in the descriptor set does not name");
const MAP = new Unheld("a map");
const TOO_FINE = new Unheld("a timestamp finer than a microsecond");

function plain(field: DescField, value: unknown): unknown {
  if (field.fieldKind === "list") {
    return [...(value as ReflectList)].map((item) => {
      if (isReflectMessage(item)) return ofMessage(item);
      return field.listKind === "enum" ? enumName(field.enum, item) : scalar(field, item);
    });
  }
  if (isReflectMap(value)) return MAP;
  if (isReflectMessage(value)) return ofMessage(value);
  return field.fieldKind === "enum" ? enumName(field.enum, value) : scalar(field, value);
}

function scalar(field: DescField, value: unknown): unknown {
  if (typeof value === "bigint") return exactInteger(value);
  // The library hands out views of the record's bytes, which may go with its batch.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  // proto2 text is not checked where it is read: what is no UTF-8 has become this character.
  if (typeof value === "string" && !field.utf8Validation && value.includes("\ufffd")) return REPLACED;
  return value;
}

function enumName(
  { value: names }: { readonly value: Readonly<Record<number, { readonly name: string }>> },
  value: unknown,
) {
  return names[Number(value)]?.name ?? UNNAMED_ENUM;
}

function ofMessage(message: ReflectMessage): unknown {
  const { typeName } = message.desc;
  if (typeName === "google.protobuf.Timestamp") return timestamp(message);
  const inner = WRAPPER.test(typeName) ? message.fields.find(({ name }) => name === "value") : undefined;
  return inner === undefined ? fieldsOf(message) : plain(inner, message.get(inner));
}

function timestamp(message: ReflectMessage): Instant | Unheld {
  const { seconds, nanos } = fieldsOf(message);
  const fraction = Number(nanos);
  if (fraction % 1000 !== 0) return TOO_FINE;
  return new Instant(BigInt(String(seconds)) * 1_000_000n + BigInt(fraction / 1000), Number(seconds));
}

/** True if the message has a field at `path`. */
export function hasPath(message: DescMessage, path: readonly string[]): boolean {
  const [first, ...rest] = path;
  const field = message.fields.find(({ name }) => name === first);
  if (field === undefined || rest.length === 0) return field !== undefined;
  return field.fieldKind === "message" && hasPath(field.message, rest);
}
