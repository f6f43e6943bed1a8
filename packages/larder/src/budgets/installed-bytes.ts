import { existsSync } from "node:fs";
import { glob, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { LarderError } from "@larder/schema";

/** Goes into a package whatever its `files` say (npm's documentation of package.json). */
const ALWAYS = ["package.json", "README*", "LICENSE*"];

/** What is read of a package.json. */
interface Manifest {
  readonly name: string;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Packages and their bytes, unpacked; the largest first. */
export interface InstalledPackages {
  readonly bytes: number;
  readonly packages: readonly { readonly name: string; readonly bytes: number }[];
}

/**
 * Bytes of the files of larder and of all packages that it depends on as they are installed here, optional ones where they are there, each once.
 * Of a package that is worked on in this repository only what would be packed counts.
 * @param root folder of a package; default: larder's own
 * @throws MISSING_DEPENDENCY where a package is not installed, or not built
 */
export async function installedBytes(root = ownFolder()): Promise<InstalledPackages> {
  const found = new Map<string, { readonly name: string; readonly bytes: number }>();
  const waiting = [await realpath(root)];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (found.has(folder)) continue;
    const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
    found.set(folder, { name: manifest.name, bytes: await bytesOf(folder, manifest) });
    waiting.push(...(await dependenciesOf(folder, manifest)));
  }
  const packages = [...found.values()].toSorted((a, b) => b.bytes - a.bytes);
  return { bytes: packages.reduce((sum, { bytes }) => sum + bytes, 0), packages };
}

function ownFolder(): string {
  return dirname(fileURLToPath(import.meta.resolve("#package.json")));
}

async function dependenciesOf(folder: string, manifest: Manifest): Promise<readonly string[]> {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifest;
  const folders: string[] = [];
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    const place = placeOf(folder, name);
    if (place !== undefined) folders.push(await realpath(place));
    else if (Object.hasOwn(dependencies, name) && !Object.hasOwn(optionalDependencies, name)) {
      throw new LarderError("MISSING_DEPENDENCY", {
        what: `${name}, which ${manifest.name} needs, is not installed`,
        remedy: "Install the packages again",
        facts: { package: name },
      });
    }
  }
  return folders;
}

/** As Node looks for a package: in node_modules of the folder and of those above it. */
function placeOf(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const place = join(at, "node_modules", name);
    if (existsSync(join(place, "package.json"))) return place;
    if (at === dirname(at)) return undefined;
  }
}

async function bytesOf(folder: string, { name, files }: Manifest): Promise<number> {
  const installed = folder.includes(`${sep}node_modules${sep}`);
  const patterns = installed ? ["**"] : packedPatterns(files ?? ["**"]);
  const left = (files ?? []).filter((file) => file.startsWith("!")).map((file) => file.slice(1));
  const exclude = installed ? [] : left;
  let bytes = 0;
  let built = installed || files?.includes("dist") !== true;
  for await (const file of glob([...patterns], { cwd: folder, exclude: ["**/node_modules/**", ...exclude] })) {
    const facts = await stat(join(folder, file));
    if (facts.isFile()) bytes += facts.size;
    if (file.startsWith("dist")) built = true;
  }
  if (built) return bytes;
  throw new LarderError("MISSING_DEPENDENCY", {
    what: `${name} is not built, so that its bytes are not known`,
    remedy: "Run npm run build",
    facts: { package: name },
  });
}

function packedPatterns(files: readonly string[]): readonly string[] {
  return [...ALWAYS, ...files.filter((file) => !file.startsWith("!")).flatMap((file) => [file, `${file}/**`])];
}
