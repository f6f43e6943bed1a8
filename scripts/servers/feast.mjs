import { existsSync } from "node:fs";
import { join } from "node:path";
import { installOnce } from "../install-once.mjs";
import { makePythonEnvironment, versionIn } from "./python.mjs";
import { RemedyError } from "./remedy-error.mjs";

const REMEDY = "Run node scripts/servers/install.mjs feast, which needs Python 3.10 or newer with venv, and PyPI";

/**
 * Feast's Python SDK of exactly `version` in an environment of its own in the cache. Several hundred megabytes: installed only where it is asked
 * for by name, `install`.
 */
export async function provideFeast({ cache, version, install }) {
  const folder = join(cache, "servers", "feast");
  if (!existsSync(folder) && !install) throw new RemedyError("Feast's Python SDK is not in the cache", REMEDY);
  await installOnce(folder, (temporary) => makePythonEnvironment(temporary, [`feast[redis]==${version}`], REMEDY));
  const found = await versionIn(folder, "feast");
  if (found === version) return `Feast ${version} in the cache`;
  throw new RemedyError(`${folder} holds Feast ${found}, not ${version}`, `Remove that folder. ${REMEDY}`);
}
