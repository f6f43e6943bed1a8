import { randomBytes } from "node:crypto";
import { open, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LarderError } from "@larder/schema";

/** A Parquet file and its manifest, written under temporary names beside their final ones. */
export interface OutputFiles {
  /** Where the Parquet file is written meanwhile. */
  readonly part: string;
  /** Puts both in place; the manifest comes last. @throws OUTPUT_UNWRITABLE */
  commit(manifest: string): Promise<void>;
  /** Removes whatever is not in place. */
  discard(): Promise<void>;
}

/** Makes sure, before any work is done, that `out` can be written. @throws OUTPUT_UNWRITABLE */
export async function claimOutput(out: string, manifestPath: string): Promise<OutputFiles> {
  const hidden = join(dirname(out), `.${basename(out)}.${randomBytes(6).toString("hex")}`);
  const part = `${hidden}.tmp`;
  const manifestPart = `${hidden}.manifest.tmp`;
  await unwritable(out, async () => {
    for (const path of [out, manifestPath]) {
      if ((await stat(path).catch(() => undefined))?.isDirectory()) throw new Error(`${path} is a folder`);
    }
    const file = await open(part, "wx");
    await file.close();
  });
  return {
    part,
    commit: (manifest) =>
      unwritable(out, async () => {
        await writeFile(manifestPart, manifest);
        await rename(part, out);
        await rename(manifestPart, manifestPath);
      }),
    discard: async () => {
      await rm(part, { force: true });
      await rm(manifestPart, { force: true });
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
