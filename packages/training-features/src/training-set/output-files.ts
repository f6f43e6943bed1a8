import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { isLarderError, LarderError } from "@larder/schema";
import type { ObjectStore } from "../object-store/object-store.ts";
import { isObjectUrl } from "../object-store/object-url.ts";
import { readManifest } from "./read-manifest.ts";
import { statIfThere } from "./stat-if-there.ts";

/** The files of a training set, written under temporary names beside their final ones. */
export interface OutputFiles {
  /** Where a file, or the folder of a set in parts, is written meanwhile. */
  partOf(path: string): string;
  /** Writes the manifest and puts every file that was written in place; the manifest comes last. @throws OUTPUT_UNWRITABLE */
  commit(manifest: string): Promise<void>;
  /** Removes whatever is not in place. */
  discard(): Promise<void>;
}

/** What comes with a training set. */
export interface OutputCompany {
  readonly manifest: string;
  readonly entities: string | undefined;
  /** Whether the output is a folder of parts. */
  readonly parts?: boolean;
}

/** Claims a file's place, a folder's, or an object's. @throws OUTPUT_UNWRITABLE */
export function claimOutput(
  out: string,
  beside: OutputCompany,
  objects: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<OutputFiles> {
  return isObjectUrl(out) ? claimObjects(out, beside, objects, signal) : claimFiles(out, beside);
}

/** Objects are written as files of the machine and go up when all are whole. Those that went up before one fails are removed. */
async function claimObjects(
  out: string,
  { manifest, entities }: OutputCompany,
  objects: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<OutputFiles> {
  // A bucket or key that is wrong shall not be found out after hours of work.
  await objects.find(out, signal).catch((error: unknown) => {
    throw isLarderError(error) && error.code === "SOURCE_UNREADABLE" ? notWritten(out, error) : error;
  });
  const folder = await mkdtemp(join(tmpdir(), "larder-output-"));
  const urls = [out, ...(entities === undefined ? [] : [entities]), manifest];
  const parts = new Map(urls.map((url, i) => [url, join(folder, String(i))]));
  return {
    partOf: (url) => parts.get(url) as string,
    commit: async (text) => {
      await writeFile(parts.get(manifest) as string, text);
      const up: string[] = [];
      try {
        for (const [url, part] of parts) {
          await objects.upload(part, url, signal);
          up.push(url);
        }
      } catch (error) {
        await removeObjects(objects, up);
        throw isLarderError(error) && error.code !== "ABORTED" ? notWritten(out, error) : error;
      }
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The failure that led here is the one to tell. */
async function removeObjects(objects: ObjectStore, urls: readonly string[]): Promise<void> {
  for (const url of urls) await objects.remove(url).catch(() => undefined);
}

function notWritten(out: string, error: LarderError): LarderError {
  return new LarderError("OUTPUT_UNWRITABLE", {
    what: `${out} cannot be written: ${error.what}`,
    remedy: "See that the bucket exists, and that the credentials may write to it",
    facts: { ...error.facts, file: out },
    retryable: error.retryable,
    cause: error,
  });
}

/** Makes sure, before any work is done, that `out` and the files beside it can be written. @throws OUTPUT_UNWRITABLE */
async function claimFiles(
  out: string,
  { manifest, entities, parts: inParts = false }: OutputCompany,
): Promise<OutputFiles> {
  const hidden = join(dirname(out), `.${basename(out)}.${randomBytes(6).toString("hex")}`);
  const files = [out, ...(entities === undefined ? [] : [entities]), manifest];
  const parts = new Map(files.map((path, i) => [path, `${hidden}.${i}.tmp`]));
  const partOf = (path: string): string => parts.get(path) as string;
  const former = `${hidden}.former.tmp`;
  if (inParts) await refuseOtherFolder(out, manifest);
  await unwritable(out, async () => {
    for (const path of files) {
      if (inParts && path === out) continue;
      if ((await statIfThere(path))?.isDirectory()) throw new Error(`${path} is a folder`);
    }
    if (inParts) return void (await mkdir(partOf(out)));
    const file = await open(partOf(out), "wx");
    await file.close();
  });
  return {
    partOf,
    commit: (text) =>
      unwritable(out, async () => {
        await writeFile(partOf(manifest), text);
        if (inParts) await replaceFolder(partOf(out), out, former);
        for (const [path, part] of parts) if (!inParts || path !== out) await rename(part, path);
      }),
    discard: async () => {
      for (const part of [...parts.values(), former]) await rm(part, { recursive: true, force: true });
    },
  };
}

/** A folder cannot take the place of one that holds something, so that goes out of the way first, and comes back if it must. */
async function replaceFolder(from: string, to: string, former: string): Promise<void> {
  const before = await statIfThere(to);
  if (before !== undefined) await rename(to, former);
  try {
    await rename(from, to);
  } catch (error) {
    if (before !== undefined) await rename(former, to);
    throw error;
  }
}

/** Only a folder that is empty, or holds a training set and nothing else, may be replaced. @throws OUTPUT_UNWRITABLE */
async function refuseOtherFolder(out: string, manifest: string): Promise<void> {
  const info = await statIfThere(out);
  if (info === undefined) return;
  const held = info.isDirectory() ? await readdir(out, { recursive: true, withFileTypes: true }) : [];
  const known = info.isDirectory() ? ((await readManifest(manifest).catch(() => undefined))?.output.files ?? []) : [];
  const own = new Set(known.map(({ path }) => resolve(out, path)));
  const other = held.find((entry) => !entry.isDirectory() && !own.has(join(entry.parentPath, entry.name)));
  if (info.isDirectory() && other === undefined) return;
  throw new LarderError("OUTPUT_UNWRITABLE", {
    what: other === undefined ? `${out} is a file` : `${out} holds ${other.name}, which is no part of a training set`,
    remedy: "Choose a folder that does not exist yet, or that holds the former parts of this training set alone",
    facts: { file: out },
  });
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
