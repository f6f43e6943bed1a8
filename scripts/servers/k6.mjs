import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { installOnce } from "../install-once.mjs";
import { RemedyError } from "./remedy-error.mjs";

const run = promisify(execFile);
const REMEDY =
  "Run node scripts/servers/install.mjs k6, which needs Go 1.25 or newer (Debian: apt-get install golang) with its module proxy";

/**
 * The load generator k6 of exactly `version`, built into the cache from the Go module proxy: no package registry has its binary. Building takes a
 * minute and a half: done only where it is asked for by name, `install`.
 */
export async function provideK6({ cache, version, install }) {
  const folder = join(cache, "servers", "k6");
  if (!existsSync(folder) && !install) throw new RemedyError("k6 is not in the cache", REMEDY);
  await installOnce(folder, async (temporary) => {
    try {
      const env = { ...process.env, GOBIN: temporary };
      await run("go", ["install", `go.k6.io/k6@v${version}`], { timeout: 580_000, maxBuffer: 16 * 1024 * 1024, env });
    } catch (error) {
      const last = String(error.stderr || error.message)
        .trim()
        .split("\n")
        .at(-1);
      throw new RemedyError(`k6 can't be built (${last})`, REMEDY, error);
    }
  });
  const { stdout } = await run(join(folder, "k6"), ["version"], { timeout: 30_000 });
  if (!stdout.includes(`v${version}`)) throw new RemedyError(`${folder} has ${stdout.trim()}`, `Remove it. ${REMEDY}`);
  return `k6 ${version} in the cache`;
}
