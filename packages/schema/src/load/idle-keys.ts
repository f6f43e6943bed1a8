import type { FeatureStoreFile } from "../definition-schema.ts";
import type { Notice } from "../definitions.ts";

/**
 * Notices for what a file asks for, this version checks, and nothing acts on yet. A key that is taken without a word would be a promise.
 * `placeOf` finds where a path stands in the file.
 */
export function idleNotices(file: FeatureStoreFile, placeOf: (path: string) => string): readonly Notice[] {
  const notices: Notice[] = [];
  const add = (path: string, what: string) => notices.push({ place: placeOf(path), field: path, what });

  if (file.stream !== undefined) add("stream", "is not acted on: this version reads no stream");
  return notices;
}
