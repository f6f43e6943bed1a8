import type { Int64Mode } from "@larder/contract/typed";
import type { ValueType } from "@larder/schema";
import { LarderError } from "@larder/schema/portable";

/**
 * A value of an answer, as parsed, in the caller's representation. Without a type it is as JSON has it.
 * @throws UNSAFE_INTEGER for an integer beyond 2^53 where a number is wanted
 */
export function readValue(value: unknown, type: ValueType | undefined, int64: Int64Mode, place: string): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) {
    const item = type?.startsWith("list<") ? (type.slice(5, -1) as ValueType) : undefined;
    return value.map((each) => readValue(each, item, int64, place));
  }
  if (type === "bytes") return bytesOf(value as string);
  const whole = type === "int64" || type === "unix_timestamp";
  if (int64 === "bigint" && whole) return BigInt(value as number | bigint);
  if (typeof value !== "bigint") return value;
  throw new LarderError("UNSAFE_INTEGER", {
    what: `${place} is ${value}, which a number cannot hold exactly`,
    remedy: whole
      ? 'Create the client with { int64: "bigint" }'
      : 'Make a typed client with `larder codegen --client`, and create it with { int64: "bigint" }',
    facts: { field: place },
  });
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
