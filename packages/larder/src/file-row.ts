import { LarderError, type Problem } from "@larder/schema";

/** One row of a file: what it holds, or why it holds nothing. */
export type FileRow =
  | {
      readonly place: string;
      readonly record: unknown;
      /** Every column of the file, where that is known; default: those of the record. */
      readonly columns?: readonly string[];
    }
  | { readonly place: string; readonly problem: Problem };

/** The error of a file that is not there or cannot be read. */
export function unreadable(file: string, cause: unknown): LarderError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  return new LarderError(code === "ENOENT" ? "SOURCE_NOT_FOUND" : "SOURCE_UNREADABLE", {
    what: code === "ENOENT" ? `There is no file ${file}` : `The file ${file} cannot be read (${code})`,
    remedy: "Name a file that this user may read",
    facts: { file },
    cause,
  });
}
