import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { installOnce } from "../install-once.mjs";
import { makePythonEnvironment, versionIn } from "./python.mjs";
import { RemedyError } from "./remedy-error.mjs";

const run = promisify(execFile);
const REMEDY =
  "Run node scripts/servers/install.mjs spark, which needs Java 17 on PATH, Python 3.10 or newer with venv, and PyPI";

/**
 * Spark of exactly `version` with its Connect server, in an environment of its own in the cache. Some 500 MB: installed only where it is asked for by
 * name, `install`. Only the server is wanted, so not what its Python client needs.
 */
export async function provideSpark({ cache, version, install }) {
  const folder = join(cache, "servers", "spark");
  if (!existsSync(folder) && !install) throw new RemedyError("Spark is not in the cache", REMEDY);
  await run("java", ["-version"], { timeout: 30_000 }).catch((error) => {
    throw new RemedyError("There is no java on PATH", REMEDY, error);
  });
  await installOnce(folder, (temporary) =>
    makePythonEnvironment(temporary, ["--no-deps", `pyspark==${version}`], REMEDY),
  );
  const found = await versionIn(folder, "pyspark");
  if (found === version) return `Spark ${version} in the cache`;
  throw new RemedyError(`${folder} holds Spark ${found}, not ${version}`, `Remove that folder. ${REMEDY}`);
}
