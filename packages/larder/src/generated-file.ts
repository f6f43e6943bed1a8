import { readFile, writeFile } from "node:fs/promises";
import { LarderError } from "@larder/schema";

/**
 * The text of a file that a verb has written, with the line ends it was written with: git may check it out with others. undefined when there is none.
 * @throws OUTPUT_UNWRITABLE
 */
export async function readGenerated(out: string): Promise<string | undefined> {
  try {
    return (await readFile(out, "utf8")).replaceAll("\r\n", "\n");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw unwritable(out, error);
  }
}

/** Writes it. @throws OUTPUT_UNWRITABLE */
export async function writeGenerated(out: string, text: string): Promise<void> {
  try {
    await writeFile(out, text);
  } catch (error) {
    throw unwritable(out, error);
  }
}

function unwritable(out: string, cause: unknown): LarderError {
  return new LarderError("OUTPUT_UNWRITABLE", {
    what: `${out} cannot be read or written (${cause instanceof Error ? cause.message : String(cause)})`,
    remedy: "Name a file in a folder that exists and that you may write, with --out",
    facts: { out },
    cause,
  });
}
