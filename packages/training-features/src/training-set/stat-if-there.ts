import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { LarderError } from "@larder/schema";

/** What is at a path; undefined where nothing is. @throws SOURCE_UNREADABLE where that cannot be told, such as in a folder that may not be entered */
export async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new LarderError("SOURCE_UNREADABLE", {
      what: `What is at ${path} cannot be told (${code})`,
      remedy: "See that its folders may be entered",
      facts: { file: path },
      cause,
    });
  }
}
