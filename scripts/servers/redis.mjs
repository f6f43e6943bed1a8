import { join } from "node:path";
import { installOnce } from "../install-once.mjs";
import { unpackDebianPackages } from "./debian.mjs";
import { isAtLeast, versionOf, wrapPrograms } from "./program.mjs";
import { RemedyError } from "./remedy-error.mjs";

const PROGRAMS = ["redis-server", "redis-cli", "redis-benchmark"];
const REMEDY = "Install Redis 7.0 or newer (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)";

/** A redis-server of at least `version` (`7.0`): the one on PATH, else Debian's, unpacked into the cache. Says which, or throws the remedy. */
export async function provideRedis({ cache, version }) {
  const folder = join(cache, "servers", "redis");
  const onPath = await versionOf("redis-server");
  if (isAtLeast(onPath, version)) return `Redis ${onPath} on PATH`;
  await installOnce(folder, async (temporary) => {
    await unpackDebianPackages(["redis-server", "redis-tools"], { folder: temporary, cache, remedy: REMEDY });
    await wrapPrograms(temporary, PROGRAMS);
    const found = await versionOf(join(temporary, "redis-server"));
    if (!isAtLeast(found, version)) throw new RemedyError(`Debian's Redis here is ${found ?? "unable to run"}`, REMEDY);
  });
  return `Redis ${await versionOf(join(folder, "redis-server"))} in the cache`;
}
