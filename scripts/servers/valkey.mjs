import { join } from "node:path";
import { installOnce } from "../install-once.mjs";
import { unpackDebianPackages } from "./debian.mjs";
import { isAtLeast, versionOf, wrapPrograms } from "./program.mjs";
import { RemedyError } from "./remedy-error.mjs";

const REMEDY =
  "Install Valkey 8 or newer (Debian 13, Ubuntu 25.04: apt-get install valkey-server; macOS: brew install valkey)";

/** A valkey-server of at least `version`: the one on PATH, else Debian's, from bookworm-backports where the release has none, in the cache. */
export async function provideValkey({ cache, version }) {
  const folder = join(cache, "servers", "valkey");
  const onPath = await versionOf("valkey-server");
  if (isAtLeast(onPath, version)) return `Valkey ${onPath} on PATH`;
  await installOnce(folder, async (temporary) => {
    await unpackDebianPackages(["valkey-server", "valkey-tools"], {
      folder: temporary,
      cache,
      remedy: REMEDY,
      backports: true,
    });
    await wrapPrograms(temporary, ["valkey-server", "valkey-cli"]);
    const found = await versionOf(join(temporary, "valkey-server"));
    if (!isAtLeast(found, version))
      throw new RemedyError(`Debian's Valkey here is ${found ?? "unable to run"}`, REMEDY);
  });
  return `Valkey ${await versionOf(join(folder, "valkey-server"))} in the cache`;
}
