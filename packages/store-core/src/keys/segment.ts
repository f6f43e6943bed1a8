const SAFE = /^[A-Za-z0-9_.-]+$/;

/**
 * Writes any well-formed text as plain ASCII: letters, digits, `_`, `.` and `-` stay, every other byte of its UTF-8 form becomes `%XX`. Injective,
 * so two names never meet in a key, and free of separators, braces, glob characters, NUL and newlines.
 */
export function encodeSegment(text: string): string {
  if (SAFE.test(text)) return text;
  let out = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const char = String.fromCharCode(byte);
    out += SAFE.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/** The inverse of {@link encodeSegment}. */
export function decodeSegment(segment: string): string {
  return decodeURIComponent(segment);
}

/** Order of names by Unicode code point, which is also the order of their UTF-8 bytes (JavaScript's own order differs for astral characters). */
export function compareCodePoints(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}
