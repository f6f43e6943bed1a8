import { open, stat } from "node:fs/promises";
import { LarderError } from "@larder/schema";

/** True for a folder. @throws CONFIG_UNREADABLE where there is nothing */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch((cause: unknown) => Promise.reject(unreadable(path, cause)))).isDirectory();
}

/** A file's bytes. @throws CONFIG_UNREADABLE also for a file of more than `limit` bytes, which is not read to its end */
export async function readUpTo(path: string, limit: number): Promise<Uint8Array> {
  const bytes = await readBytes(path, limit).catch((cause: unknown) => Promise.reject(unreadable(path, cause)));
  if (bytes.length <= limit) return bytes;
  throw new LarderError("CONFIG_UNREADABLE", {
    what: `${path} has more than ${limit} bytes`,
    remedy: "Name a Feast registry, or the folder of a Feast repository",
    facts: { file: path, limit },
  });
}

/** At most one byte over the limit: enough to see that there are more. */
async function readBytes(path: string, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await using file = await open(path);
  for await (const chunk of file.createReadStream({ end: limit, autoClose: false })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function unreadable(path: string, cause: unknown): LarderError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  return new LarderError("CONFIG_UNREADABLE", {
    what: `${path} cannot be read (${code})`,
    remedy: "Name an existing Feast registry, or the folder of a Feast repository",
    facts: { file: path, code },
    cause,
  });
}
