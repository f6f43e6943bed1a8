import { stat } from "node:fs/promises";

/** What changes when a file does: time, size and inode, or why it cannot be looked at. Links are followed. */
export function fileStamp(path: string): Promise<string> {
  return stat(path).then(stampOf, (error: NodeJS.ErrnoException) => `${error.code}`);
}

/** The stamp of a file that was looked at already. */
export function stampOf({ mtimeMs, ctimeMs, size, ino }: Awaited<ReturnType<typeof stat>>): string {
  return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
}
