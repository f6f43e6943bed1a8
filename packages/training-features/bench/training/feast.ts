import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const REMEDY = "node scripts/servers/install.mjs feast";

/** The Python of Feast's SDK in the cache, or why there is none. */
export async function feastPython(): Promise<
  { readonly path: string } | { readonly path: undefined; readonly reason: string }
> {
  const cache =
    process.env["LARDER_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "larder");
  const path = join(cache, "servers", "feast", "bin", "python");
  if (!existsSync(path)) return { path: undefined, reason: `its SDK is not in the cache (${REMEDY})` };
  try {
    await promisify(execFile)(path, ["-c", "import feast, ibis, duckdb"]);
    return { path };
  } catch {
    const reason = `the SDK in the cache was installed without its DuckDB store (remove that folder, then ${REMEDY})`;
    return { path: undefined, reason };
  }
}
