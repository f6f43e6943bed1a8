import { join } from "node:path";
import { installOnce } from "../install-once.mjs";
import { makePythonEnvironment, versionIn } from "./python.mjs";
import { RemedyError } from "./remedy-error.mjs";

const REMEDY = "Run node scripts/servers/install.mjs sail, which needs Python 3.10 or newer with venv, and PyPI";

/** Sail of exactly `version`, a Spark Connect server without Java, in an environment of its own in the cache. */
export async function provideSail({ cache, version }) {
  const folder = join(cache, "servers", "sail");
  await installOnce(folder, (temporary) => makePythonEnvironment(temporary, [`pysail==${version}`], REMEDY));
  const found = await versionIn(folder, "pysail");
  if (found === version) return `Sail ${version} in the cache`;
  throw new RemedyError(`${folder} holds Sail ${found}, not ${version}`, `Remove that folder. ${REMEDY}`);
}
