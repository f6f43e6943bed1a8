import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { RemedyError } from "./remedy-error.mjs";

const run = promisify(execFile);

/** Makes a Python environment in `folder` with packages from PyPI, as pip takes them. */
export async function makePythonEnvironment(folder, packages, remedy) {
  const python = await findPython(remedy);
  try {
    await run(python, ["-m", "venv", folder], { timeout: 60_000 });
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages];
    // By its python, since the other programs of an environment do not move with it.
    await run(join(folder, "bin", "python"), pip, { timeout: 540_000, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    throw new RemedyError(`${packages.join(", ")} can't be installed (${lastLine(error)})`, remedy, error);
  }
}

/** The version of a package in an environment. */
export async function versionIn(folder, name) {
  const script = `import importlib.metadata as m; print(m.version('${name}'))`;
  const { stdout } = await run(join(folder, "bin", "python"), ["-c", script], { timeout: 30_000 });
  return stdout.trim();
}

async function findPython(remedy) {
  for (const name of ["python3.11", "python3.12", "python3.10", "python3.13", "python3"]) {
    const check = "import sys, venv; sys.exit(sys.version_info < (3, 10))";
    const works = await run(name, ["-c", check], { timeout: 10_000 }).catch(() => undefined);
    if (works !== undefined) return name;
  }
  throw new RemedyError("There is no Python 3.10 or newer with venv on PATH", remedy);
}

function lastLine(error) {
  return String(error.stderr || error.message)
    .trim()
    .split("\n")
    .at(-1);
}
