import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { LarderError } from "@larder/schema";
import { runProcess, temporaryFolder } from "@larder/testkit";

/** The repository that this file is in. */
export const REPOSITORY = resolve(import.meta.dirname, "..", "..", "..", "..");

/** Longest time to install packages, from pnpm's store. Milliseconds. */
const INSTALL_MS = 300_000;

/** A whole source tree with its packages installed. */
export interface SourceTree extends AsyncDisposable {
  readonly folder: string;
  /** As it was asked for. */
  readonly name: string;
  /** The commit, or the name of the folder. */
  readonly commit: string;
}

/**
 * A folder as it is, or a commit in a temporary one that goes when it is disposed of. Benches run from the sources, so that nothing is built.
 * @throws USAGE for what is neither; MISSING_DEPENDENCY where packages can't be installed
 */
export async function openSourceTree(name: string): Promise<SourceTree> {
  if (existsSync(resolve(name, "pnpm-workspace.yaml"))) {
    const folder = resolve(name);
    if (!existsSync(resolve(folder, "node_modules"))) await install(folder);
    return { folder, name, commit: `folder ${name}`, [Symbol.asyncDispose]: async () => {} };
  }
  const commit = await commitOf(name);
  const temporary = await temporaryFolder();
  try {
    const archive = `git archive ${commit} | tar -x -C "$1"`;
    await must("bash", ["-o", "pipefail", "-c", archive, "bash", temporary.path], REPOSITORY);
    await install(temporary.path);
  } catch (error) {
    await temporary.remove();
    throw error;
  }
  return { folder: temporary.path, name, commit, [Symbol.asyncDispose]: () => temporary.remove() };
}

/** The full hash of a commit. @throws USAGE where git knows none of this name */
export async function commitOf(name: string): Promise<string> {
  const { code, stdout } = await runProcess("git", ["rev-parse", "--verify", "--end-of-options", `${name}^{commit}`], {
    cwd: REPOSITORY,
  });
  if (code === 0) return stdout.trim();
  throw new LarderError("USAGE", {
    what: `${name} is neither a commit nor a folder of this project`,
    remedy: "Give a branch, tag or hash, or the path of a checkout",
    facts: { field: "base" },
  });
}

async function install(folder: string): Promise<void> {
  const args = ["install", "--frozen-lockfile", "--prefer-offline", "--reporter=silent"];
  await must("pnpm", args, folder);
}

async function must(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await runProcess(command, args, { cwd, ms: INSTALL_MS });
  if (code === 0) return;
  throw new LarderError("MISSING_DEPENDENCY", {
    what: `${command} ended with ${code}: ${`${stdout}${stderr}`.trim().slice(-400)}`,
    remedy: "See that git, tar and pnpm work here, and that pnpm's store or a registry has the packages",
  });
}
