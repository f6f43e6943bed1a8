import { execFile } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { installOnce } from "../install-once.mjs";
import { libraryFolders, unpackDebianPackages } from "./debian.mjs";
import { RemedyError } from "./remedy-error.mjs";

const run = promisify(execFile);
const PROGRAMS = ["redis-server", "redis-cli", "redis-benchmark"];
const REMEDY = "Install Redis 7.0 or newer (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)";

/** A redis-server of at least `version` (`7.0`): the one on PATH, else Debian's, unpacked into the cache. Says which, or throws the remedy. */
export async function provideRedis({ cache, version }) {
  const folder = join(cache, "servers", "redis");
  const onPath = await versionOf("redis-server");
  if (isAtLeast(onPath, version)) return `Redis ${onPath} on PATH`;
  await installOnce(folder, async (temporary) => {
    await unpackDebianPackages(["redis-server", "redis-tools"], { folder: temporary, cache, remedy: REMEDY });
    const libraries = (await libraryFolders(temporary)).map((name) => `$here/${name}`).join(":");
    for (const program of PROGRAMS) {
      const wrapper = join(temporary, program);
      // exec keeps the process number, so that signals reach the server itself.
      const script = `#!/bin/sh\nhere=$(dirname "$0")\nLD_LIBRARY_PATH="${libraries}" exec "$here/usr/bin/${program}" "$@"\n`;
      await writeFile(wrapper, script);
      await chmod(wrapper, 0o755);
    }
    const found = await versionOf(join(temporary, "redis-server"));
    if (!isAtLeast(found, version)) throw new RemedyError(`Debian's Redis here is ${found ?? "unable to run"}`, REMEDY);
  });
  return `Redis ${await versionOf(join(folder, "redis-server"))} in the cache`;
}

async function versionOf(command) {
  try {
    const { stdout } = await run(command, ["--version"], { timeout: 10_000 });
    return /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

function isAtLeast(found, wanted) {
  if (found === undefined) return false;
  const [major, minor] = found.split(".").map(Number);
  const [wantedMajor, wantedMinor] = wanted.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
