import { stat } from "node:fs/promises";
import { LarderError } from "@larder/schema";
import type { ObjectStore } from "../object-store/object-store.ts";
import { isObjectUrl } from "../object-store/object-url.ts";

/** Size and modification time of files, or ETags of objects, at one moment, to notice that somebody writes into one while it is read. */
export type FileState = ReadonlyMap<string, string>;

/** @throws SOURCE_NOT_FOUND (retryable) for a file that has gone; for objects what {@link ObjectStore.etags} throws */
export async function stateOf(
  files: Iterable<string>,
  objects: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<FileState> {
  const names = [...files];
  const urls = names.filter(isObjectUrl);
  const etags = urls.length === 0 ? [] : await objects.etags(urls, signal);
  const ofObjects = new Map(urls.map((url, i) => [url, etags[i]]));
  const state = new Map<string, string>();
  for (const file of names) {
    const now = isObjectUrl(file) ? ofObjects.get(file) : await stateOfFile(file);
    if (now === undefined) throw gone(file);
    state.set(file, now);
  }
  return state;
}

/** @throws SOURCE_UNREADABLE (retryable) naming the first file that changed since `before`, SOURCE_NOT_FOUND for one that has gone */
export async function refuseChanges(
  before: FileState,
  objects: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<void> {
  const now = await stateOf(before.keys(), objects, signal);
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

async function stateOfFile(file: string): Promise<string | undefined> {
  const info = await stat(file, { bigint: true }).catch((cause: unknown) => {
    throw gone(file, cause);
  });
  return `${info.size} ${info.mtimeNs}`;
}

function gone(file: string, cause?: unknown): LarderError {
  return new LarderError("SOURCE_NOT_FOUND", {
    what: `${file} cannot be found any more`,
    remedy: "Run again when nothing moves the files",
    facts: { file },
    retryable: true,
    cause,
  });
}
