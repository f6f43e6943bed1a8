import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { installOnce } from "../install-once.mjs";
import { RemedyError } from "./remedy-error.mjs";

const run = promisify(execFile);
const REMEDY =
  "Run node scripts/servers/install.mjs s3, which needs Go 1.25 or newer with its module proxy, and Python 3 with pip and PyPI";
/** DuckDB's own signed extension, as a wheel: its version is that of @duckdb/node-api, to the last digit. */
const HTTPFS = "1.5.5";

/**
 * The S3 gateway versitygw of exactly `version`, which checks signatures as S3 does, and DuckDB's httpfs extension, both in the cache. Building takes
 * two minutes: installed only where it is asked for by name, `install`.
 */
export async function provideS3({ cache, version, install }) {
  const folder = join(cache, "servers", "s3");
  if (!existsSync(folder) && !install) throw new RemedyError("versitygw is not in the cache", REMEDY);
  await installOnce(folder, async (temporary) => {
    await step("versitygw", "go", ["install", `github.com/versity/versitygw/cmd/versitygw@v${version}`], temporary);
    const wheels = join(temporary, "wheels");
    await mkdir(wheels);
    const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", wheels];
    await step("httpfs", "python3", [...pip, `duckdb-extension-httpfs==${HTTPFS}`], temporary);
    const [wheel] = await readdir(wheels);
    await step("httpfs", "python3", ["-m", "zipfile", "-e", join(wheels, wheel), wheels], temporary);
    const extension = join(wheels, "duckdb_extension_httpfs", "extensions", `v${HTTPFS}`, "httpfs.duckdb_extension");
    await rename(extension, join(temporary, "httpfs.duckdb_extension"));
    await rm(wheels, { recursive: true });
  });
  return `versitygw ${version} and httpfs ${HTTPFS} in the cache`;
}

async function step(what, command, args, folder) {
  try {
    const env = { ...process.env, GOBIN: folder };
    await run(command, args, { timeout: 580_000, maxBuffer: 16 * 1024 * 1024, env });
  } catch (error) {
    const last = String(error.stderr || error.message)
      .trim()
      .split("\n")
      .at(-1);
    throw new RemedyError(`${what} can't be installed (${last})`, REMEDY, error);
  }
}
