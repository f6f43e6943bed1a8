import { glob } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { ProblemList } from "../problem-list.ts";
import { LIMITS } from "../yaml/limits.ts";
import type { PlacedNode } from "../yaml/placed-node.ts";
import { readBounded } from "./read-bounded.ts";

/** One included file. */
export interface IncludedFile {
  /** Its name in places. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The nodes that name files under `include`. */
export function includePatterns(root: PlacedNode): readonly PlacedNode[] {
  const value = root.kind === "map" ? root.entries.get("include")?.value : undefined;
  if (value === undefined) return [];
  return value.kind === "list" ? value.items : [value];
}

/** Reads the files that the patterns name, in the order of their names. The main file itself is left out. */
export async function readIncludedFiles(
  patterns: readonly PlacedNode[],
  main: string,
  problems: ProblemList,
): Promise<readonly IncludedFile[]> {
  const files = new Map<string, IncludedFile>();
  for (const node of patterns) {
    if (node.kind !== "scalar" || typeof node.value !== "string") continue;
    const names = await expandPattern(node.value, dirname(main));
    if (names === undefined) {
      const remedy = `Name fewer: at most ${LIMITS.includes} files, found among ${LIMITS.visits} folder entries`;
      problems.add(node, "names too many files", remedy);
      continue;
    }
    for (const name of names) {
      const path = resolve(name);
      if (path === resolve(main) || files.has(path)) continue;
      const bytes = await readOne(name, node, problems);
      if (bytes !== undefined) files.set(path, { name, bytes });
    }
    if (names.length === 0)
      problems.add(node, "names no file", "Correct the path, which counts from this file's folder");
    if (files.size > LIMITS.includes) {
      problems.add(node, "names too many files", `Include at most ${LIMITS.includes}`);
      return [];
    }
  }
  return [...files.values()];
}

/** The files of one pattern, sorted; undefined when there are too many, or too many entries to look through. */
async function expandPattern(pattern: string, folder: string): Promise<readonly string[] | undefined> {
  if (!/[*?[{]/.test(pattern)) return [isAbsolute(pattern) ? pattern : join(folder, pattern)];
  let visits = 0;
  const found: string[] = [];
  for await (const name of glob(pattern, { cwd: folder, exclude: () => ++visits > LIMITS.visits })) {
    found.push(isAbsolute(name) ? name : join(folder, name));
    if (found.length > LIMITS.includes) return undefined;
  }
  return visits > LIMITS.visits ? undefined : found.sort();
}

async function readOne(name: string, node: PlacedNode, problems: ProblemList): Promise<Uint8Array | undefined> {
  try {
    return await readBounded(name);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    problems.add(node, `names ${name}, which cannot be read (${code})`, "Correct the path or the file's permissions");
    return undefined;
  }
}
