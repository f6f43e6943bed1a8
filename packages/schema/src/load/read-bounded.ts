import { open } from "node:fs/promises";
import { LIMITS } from "../yaml/limits.ts";

/** A file's bytes, but never more than one over the limit of a file: enough to see that it is too large, also where it has no end. */
export async function readBounded(path: string): Promise<Uint8Array> {
  await using file = await open(path);
  const buffer = Buffer.allocUnsafe(LIMITS.bytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
