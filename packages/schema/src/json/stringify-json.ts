/** JSON.rawJSON (ECMAScript's JSON.parse source text access), which TypeScript's library does not know yet. */
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object };

/**
 * JSON text of a value: bigint as an exact number, NaN and infinities as null, bytes as base64, -0 as it is. The counterpart of `parseJson`;
 * answers that are written per value do not go through here.
 */
export function stringifyJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, replace, indent);
}

function replace(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === "bigint") return rawJSON(String(value));
  if (Object.is(value, -0)) return rawJSON("-0");
  if (typeof value !== "object" || value === null) return value;
  // A Buffer has become its own JSON form by now; the holder still has the bytes.
  const original: unknown = typeof this === "object" && this !== null ? Reflect.get(this, key) : undefined;
  return original instanceof Uint8Array ? Buffer.from(original).toString("base64") : value;
}
