/** Bytes as a SCAN pattern that matches them alone. Feast does not do this, so that a length byte of 42 is a wildcard to it. */
export function globText(bytes: Buffer): Buffer {
  const out: number[] = [];
  for (const byte of bytes) {
    if (SPECIAL.includes(byte)) out.push(BACKSLASH);
    out.push(byte);
  }
  return Buffer.from(out);
}

const SPECIAL = Buffer.from("*?[]^-\\");
const BACKSLASH = 0x5c;
