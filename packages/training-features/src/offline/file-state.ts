import { stat } from "node:fs/promises";
import { LarderError } from "@larder/schema";

/** Size and modification time of files at one moment, to notice that somebody writes into one while it is read. */
export type FileState = ReadonlyMap<string, string>;

/** @throws SOURCE_NOT_FOUND (retryable) for a file that has gone */
export async function stateOf(files: Iterable<string>): Promise<FileState> {
  const state = new Map<string, string>();
  for (const file of files) {
    try {
      const { size, mtimeNs } = await stat(file, { bigint: true });
      state.set(file, `${size} ${mtimeNs}`);
    } catch (cause) {
      throw new LarderError("SOURCE_NOT_FOUND", {
        what: `${file} cannot be found any more`,
        remedy: "Run again when nothing moves the files",
        facts: { file },
        retryable: true,
        cause,
      });
    }
  }
  return state;
}

/** @throws SOURCE_UNREADABLE (retryable) naming the first file that changed since `before`, SOURCE_NOT_FOUND for one that has gone */
export async function refuseChanges(before: FileState): Promise<void> {
  const now = await stateOf(before.keys());
  for (const [file, state] of before) {
    if (now.get(file) === state) continue;
    throw new LarderError("SOURCE_UNREADABLE", {
      what: `${file} changed while it was read`,
      remedy: "Run again when nothing writes into it; replace files by renaming whole ones",
      facts: { file },
      retryable: true,
    });
  }
}
