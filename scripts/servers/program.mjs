import { execFile } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { libraryFolders } from "./debian.mjs";

const run = promisify(execFile);

/** Puts a starter for each program into `folder`, where Debian packages are unpacked: it finds the libraries beside it. */
export async function wrapPrograms(folder, programs) {
  const libraries = (await libraryFolders(folder)).map((name) => `$here/${name}`).join(":");
  for (const program of programs) {
    const wrapper = join(folder, program);
    // exec keeps the process number, so that signals reach the server itself.
    const script = `#!/bin/sh\nhere=$(dirname "$0")\nLD_LIBRARY_PATH="${libraries}" exec "$here/usr/bin/${program}" "$@"\n`;
    await writeFile(wrapper, script);
    await chmod(wrapper, 0o755);
  }
}

/** Version of a Redis or Valkey program, undefined when it does not run. */
export async function versionOf(command) {
  try {
    const { stdout } = await run(command, ["--version"], { timeout: 10_000 });
    return /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/** Whether a version is at least the one wanted, by its first two numbers. */
export function isAtLeast(found, wanted) {
  if (found === undefined) return false;
  const [major, minor] = found.split(".").map(Number);
  const [wantedMajor, wantedMinor] = wanted.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
