import { LarderError } from "./errors.ts";

const STRICT = { fatal: true, ignoreBOM: true } as const;

/** One for all: it keeps nothing between calls that are not streams, and making one takes longer than most texts. */
const decoder = new TextDecoder("utf-8", STRICT);

/** The text of UTF-8 bytes, exactly: nothing is replaced, a byte order mark stays. @throws MALFORMED_REQUEST with `facts.offset` */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const offset = invalidUtf8Offset(bytes);
    throw new LarderError("MALFORMED_REQUEST", {
      what: `The input is not UTF-8 text: byte ${offset} cannot stand there`,
      remedy: "Send it encoded as UTF-8",
      facts: { offset },
      cause,
    });
  }
}

/** How many bytes from the start are whole, valid UTF-8: the offset of the sequence that breaks it, or the length. */
export function invalidUtf8Offset(bytes: Uint8Array): number {
  if (isValid(bytes)) return bytes.length;
  let good = 0;
  let bad = bytes.length;
  while (good < bad) {
    const middle = Math.ceil((good + bad) / 2);
    if (isValid(bytes.subarray(0, middle), { stream: true })) good = middle;
    else bad = middle - 1;
  }
  // The last of these bytes may begin a sequence that does not go on.
  while (!isValid(bytes.subarray(0, good))) good--;
  return good;
}

/** With `stream`, a sequence may go on after the last byte. */
function isValid(bytes: Uint8Array, options: { readonly stream?: boolean } = {}): boolean {
  try {
    new TextDecoder("utf-8", STRICT).decode(bytes, options);
    return true;
  } catch {
    return false;
  }
}
