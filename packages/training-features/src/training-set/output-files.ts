import { randomBytes } from "node:crypto";
import { open, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LarderError } from "@larder/schema";

/** The files of a training set, written under temporary names beside their final ones. */
export interface OutputFiles {
  /** Where a file is written meanwhile. */
  partOf(path: string): string;
  /** Writes the manifest and puts every file that was written in place; the manifest comes last. @throws OUTPUT_UNWRITABLE */
  commit(manifest: string): Promise<void>;
  /** Removes whatever is not in place. */
  discard(): Promise<void>;
}

/** Makes sure, before any work is done, that `out` and the files beside it can be written. @throws OUTPUT_UNWRITABLE */
export async function claimOutput(
  out: string,
  { manifest, entities }: { readonly manifest: string; readonly entities: string | undefined },
): Promise<OutputFiles> {
  const hidden = join(dirname(out), `.${basename(out)}.${randomBytes(6).toString("hex")}`);
  const parts = new Map(
    [out, ...(entities === undefined ? [] : [entities]), manifest].map((path, i) => [path, `${hidden}.${i}.tmp`]),
  );
  const partOf = (path: string): string => parts.get(path) as string;
  await unwritable(out, async () => {
    for (const path of parts.keys()) {
      if ((await stat(path).catch(() => undefined))?.isDirectory()) throw new Error(`${path} is a folder`);
    }
    const file = await open(partOf(out), "wx");
    await file.close();
  });
  return {
    partOf,
    commit: (text) =>
      unwritable(out, async () => {
        await writeFile(partOf(manifest), text);
        for (const [path, part] of parts) await rename(part, path);
      }),
    discard: async () => {
      for (const part of parts.values()) await rm(part, { force: true });
    },
  };
}

async function unwritable(out: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new LarderError("OUTPUT_UNWRITABLE", {
      what: `${out} cannot be written (${code === "ENOENT" ? "its folder does not exist" : code})`,
      remedy: "Choose a folder that exists and can be written, with room on its disk",
      facts: { file: out },
      cause,
    });
  }
}
