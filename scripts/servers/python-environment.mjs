import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { installOnce } from "../install-once.mjs";
import { RemedyError } from "./remedy-error.mjs";

const run = promisify(execFile);

/**
 * A Python package of exactly `version` in an environment of its own in the cache, `servers/<name>`: `requirement` is what pip is asked for,
 * `distribution` whose version is looked at, `packages` what else belongs there, each as `name==version`, `pip` further options. Large: installed only
 * where it is asked for by name, `install`.
 */
export async function providePython({
  cache,
  version,
  install,
  name,
  title,
  requirement,
  distribution,
  packages = [],
  pip = [],
}) {
  const remedy = `Run node scripts/servers/install.mjs ${name}, which needs Python 3.10 or newer with venv, and PyPI`;
  const folder = join(cache, "servers", name);
  if (!existsSync(folder) && !install) throw new RemedyError(`${title} is not in the cache`, remedy);
  await installOnce(folder, async (temporary) => {
    const python = await findPython(remedy);
    try {
      await run(python, ["-m", "venv", temporary], { timeout: 240_000 });
      const args = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        ...pip,
        `${requirement}==${version}`,
        ...packages,
      ];
      // By its python, since the other programs of an environment do not move with it.
      await run(join(temporary, "bin", "python"), args, { timeout: 1_200_000, maxBuffer: 16 * 1024 * 1024 });
    } catch (error) {
      throw new RemedyError(`${title} ${version} can't be installed (${lastLine(error)})`, remedy, error);
    }
  });
  const wanted = [`${distribution}==${version}`, ...packages];
  const found = await versionsIn(folder, wanted);
  const other = wanted.find((each, index) => each !== found[index]);
  if (other === undefined) return `${title} ${version} in the cache`;
  throw new RemedyError(`${folder} holds ${title} without ${other}`, `Remove that folder. ${remedy}`);
}

async function findPython(remedy) {
  for (const name of ["python3.11", "python3.12", "python3.10", "python3.13", "python3"]) {
    const check = "import sys, venv; sys.exit(sys.version_info < (3, 10))";
    const works = await run(name, ["-c", check], { timeout: 10_000 }).catch(() => undefined);
    if (works !== undefined) return name;
  }
  throw new RemedyError("There is no Python 3.10 or newer with venv on PATH", remedy);
}

/** What is there of packages, as `name==version`. */
async function versionsIn(folder, wanted) {
  const names = wanted.map((each) => each.split("==")[0]);
  const script = `
import importlib.metadata as m
for name in ${JSON.stringify(names)}:
    try: print(f"{name}=={m.version(name)}")
    except m.PackageNotFoundError: print(name)`;
  const { stdout } = await run(join(folder, "bin", "python"), ["-c", script], { timeout: 30_000 });
  return stdout.trim().split(/\r?\n/);
}

function lastLine(error) {
  return String(error.stderr || error.message)
    .trim()
    .split("\n")
    .at(-1);
}
