import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { LarderError } from "@larder/schema";

/** What {@link initRepository} wrote. */
export interface NewRepository {
  /** Paths below the folder, sorted. */
  readonly files: readonly string[];
  /** Whether the packages that it needs can be found from the folder already; otherwise `npm install` comes first. */
  readonly installed: boolean;
}

/**
 * Writes a small repository that works: definitions, Parquet data, a package.json. All of it or nothing; nothing is ever overwritten.
 * @throws OUTPUT_UNWRITABLE, also when the folder is not empty
 */
export async function initRepository(folder: string): Promise<NewRepository> {
  const contents = await templateFiles();
  contents.set("package.json", await packageJson());
  const files = [...contents.keys()].sort();
  const made = await emptyFolder(folder, files);
  const written: string[] = [];
  try {
    for (const file of files) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), contents.get(file) ?? "", { flag: "wx" });
      written.push(file);
    }
  } catch (error) {
    await takeBack(folder, written, made);
    throw unwritable(folder, error);
  }
  return { files, installed: PACKAGES.every((name) => resolves(folder, name)) };
}

const PACKAGES = ["larder", "@duckdb/node-api"];

const TEMPLATE = fileURLToPath(import.meta.resolve("#template/feature_store.yaml"));

/** The template, by path below the new folder. npm leaves files named .gitignore out of a package, so ours has another name there. */
async function templateFiles(): Promise<Map<string, string | Uint8Array>> {
  const root = dirname(TEMPLATE);
  const contents = new Map<string, string | Uint8Array>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = relative(root, path).replaceAll(sep, "/");
    contents.set(name === "gitignore" ? ".gitignore" : name, await readFile(path));
  }
  return contents;
}

/** Depends on this very version, and on the DuckDB that it was tested with. */
async function packageJson(): Promise<string> {
  const { version, engines, peerDependencies } = JSON.parse(
    await readFile(fileURLToPath(import.meta.resolve("#package.json")), "utf8"),
  );
  const dependencies = { "@duckdb/node-api": peerDependencies["@duckdb/node-api"], larder: version };
  return `${JSON.stringify({ name: "shop", private: true, type: "module", engines, dependencies }, null, 2)}\n`;
}

/** Makes the folder if there is none. Answers the topmost folder that was made, undefined when all were there. */
async function emptyFolder(folder: string, files: readonly string[]): Promise<string | undefined> {
  let made: string | undefined;
  let found: readonly string[];
  try {
    made = await mkdir(folder, { recursive: true });
    found = await readdir(folder);
  } catch (error) {
    throw unwritable(folder, error);
  }
  if (found.length === 0) return made;
  const clashes = files.filter((file) => found.includes(file.split("/", 1)[0] ?? ""));
  throw new LarderError("OUTPUT_UNWRITABLE", {
    what: `${folder} is not empty: it holds ${listed(clashes.length > 0 ? clashes : found)}`,
    remedy: "Name a folder that is empty, or one that does not exist yet",
    facts: { folder, clashes },
  });
}

const LISTED = 20;

function listed(names: readonly string[]): string {
  const more = names.length - LISTED;
  return `${[...names].sort().slice(0, LISTED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

async function takeBack(folder: string, written: readonly string[], made: string | undefined): Promise<void> {
  if (made !== undefined) return rm(made, { recursive: true, force: true });
  for (const file of written) await rm(join(folder, file), { force: true });
}

function unwritable(folder: string, cause: unknown): LarderError {
  return new LarderError("OUTPUT_UNWRITABLE", {
    what: `${folder} cannot be written (${cause instanceof Error ? cause.message : String(cause)})`,
    remedy: "Name a folder that you may write, or one that does not exist yet",
    facts: { folder },
    cause,
  });
}

function resolves(folder: string, name: string): boolean {
  try {
    createRequire(join(folder, "package.json")).resolve(name);
    return true;
  } catch {
    return false; // not found, or there without what it exports: either way npm has to install it
  }
}
